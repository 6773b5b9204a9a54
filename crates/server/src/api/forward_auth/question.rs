//! What a proxy asks: read from its headers, and decided.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use keyrack_core::OpError;
use keyrack_core::quotas::Spent;
use keyrack_guard::{Caller, Place, Problem};
use keyrack_key::{Counted, Denial, Permission, Presented, WorkspaceId};

use super::proxy::Proxy;
use crate::api::ApiError;
use crate::api::verify::covers;
use crate::app::App;
use crate::edge::session;

const WORKSPACE: HeaderName = HeaderName::from_static("x-keyrack-for-workspace");
const PERMISSION: HeaderName = HeaderName::from_static("x-keyrack-permission");
/// Where proxies say what was asked of them: Caddy and Traefik by themselves, nginx as our example tells it to.
const ORIGINALS: [HeaderName; 2] =
    [HeaderName::from_static("x-forwarded-uri"), HeaderName::from_static("x-original-uri")];

/// What a proxy asks.
pub(super) struct Question<'a> {
    parts: &'a Parts,
    /// Of the client.
    address: Option<IpAddr>,
    /// By its address or id.
    pub(super) workspace: &'a str,
    permission: Option<Permission>,
}

impl<'a> Question<'a> {
    pub(super) fn of(app: &App, address: Option<IpAddr>, parts: &'a Parts) -> Result<Self, ApiError> {
        Self::read(app, address, parts).or_else(|unclear| place_of_key(app, parts).and(Err(unclear)))
    }

    fn read(app: &App, address: Option<IpAddr>, parts: &'a Parts) -> Result<Self, ApiError> {
        if let Some(query) = parts.uri.query().filter(|query| has_key(query)) {
            if Proxy::of(&parts.headers).passes_on_keys_in_query() {
                return Err(unclear(
                    "This proxy can't remove a key from the query. Send the key in Authorization or X-Api-Key.",
                ));
            }
            if !is_removable(query) {
                return Err(unclear(
                    "The proxy can remove api-key from the query only if it is there once and without escapes.",
                ));
            }
        }
        if session::token(&parts.headers, app).is_some() {
            return Err(OpError::KeyAndCookie.into());
        }
        let workspace = once(&parts.headers, &WORKSPACE)?
            .ok_or_else(|| unclear("name the workspace in X-Keyrack-For-Workspace"))?;
        Ok(Self { parts, address, workspace, permission: permission(&parts.headers)? })
    }

    /// Asks the guard.
    pub(super) fn decide(self, app: &App, workspace: WorkspaceId) -> Result<Passing, ApiError> {
        let caller = app.guard_of_proxies.check_in(workspace, self.address, self.parts, self.permission);
        let caller = caller.map_err(|refusal| app.refused(&refusal))?;
        // A proxy names no project and no model, so it could be any.
        covers(caller.key(), None, None)?;
        Ok(Passing { caller, is_prediction: self.permission == Some(Permission::ModelsPredict) })
    }
}

/// What is asked for.
pub(super) fn permission(headers: &HeaderMap) -> Result<Option<Permission>, ApiError> {
    let permission = once(headers, &PERMISSION)?.map(str::parse::<Permission>).transpose();
    permission.map_err(|unknown| unclear(&format!("X-Keyrack-Permission: {unknown}")))
}

/// Where the key stands. Whoever has none learns nothing here: not what is unclear, nor which workspaces there are.
pub(super) fn place_of_key(app: &App, parts: &Parts) -> Result<Place, ApiError> {
    let credential =
        app.guard_of_proxies.find(parts).and_then(|credential| credential.ok_or(Denial::Missing)).and_then(
            |credential| {
                Presented::parse(credential.text(), &app.config.brands)?;
                Ok(credential.place())
            },
        );
    credential.map_err(|denial| app.refused(&denial.into()))
}

/// A request that the guard has let through.
pub(super) struct Passing {
    caller: Caller,
    is_prediction: bool,
}

/// A request that may pass, and what it took of the key's quotas.
pub(super) struct Passed {
    pub(super) caller: Caller,
    pub(super) spent: Spent,
}

impl Passing {
    /// Whether its key has a quota of what is asked for.
    pub(super) fn spends(&self, app: &App) -> bool {
        self.is_prediction && app.quotas.has_of(&self.caller, Counted::Predictions)
    }

    /// What becomes of the request is not known here: it is spent.
    pub(super) async fn spend(self, app: &App) -> Result<Passed, ApiError> {
        if !self.is_prediction {
            return Ok(self.free());
        }
        let spent = app.quotas.take_of(&self.caller, Counted::Predictions).await?;
        Ok(Passed { caller: self.caller, spent })
    }

    /// Where nothing is to be spent.
    pub(super) fn free(self) -> Passed {
        Passed { caller: self.caller, spent: Spent::nothing() }
    }
}

/// Puts what the client asked the proxy for in the place of what the proxy asks us, if the proxy says it.
pub(super) fn ask_of_original(parts: &mut Parts) -> Result<(), ApiError> {
    for name in &ORIGINALS {
        if let Some(text) = bytes_of(&parts.headers, name)? {
            parts.uri =
                uri_of(text).ok_or_else(|| unclear(&format!("{name}: expected a path with its query")))?;
            return Ok(());
        }
    }
    Ok(())
}

/// A URI as its client sent it. Not all clients escape what a URI has no place for (RFC 3986, section 2), and many services
/// take it, so what is there raw is escaped here.
fn uri_of(text: &[u8]) -> Option<Uri> {
    Uri::try_from(text).or_else(|_| Uri::try_from(escaped(text))).ok()
}

fn escaped(text: &[u8]) -> String {
    // A fragment is not sent on, nor read by `Uri`.
    let text = text.split(|byte| *byte == b'#').next().unwrap_or_default();
    let mut uri = String::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Whether a query has an `api-key`, with or without escapes, wherever else a key is.
fn has_key(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "api-key")
}

/// Whether a proxy that looks for `api-key=` finds every key of this query, and all of it.
fn is_removable(query: &str) -> bool {
    let mut keys = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "api-key");
    let mut plain = query.split('&').filter_map(|pair| pair.strip_prefix("api-key="));
    let (key, text) = (keys.next(), plain.next());
    let is_plain = key.zip(text).is_some_and(|((_, value), text)| value == text);
    is_plain && keys.next().is_none() && plain.next().is_none()
}

/// A header that says one thing. Twice, nobody knows whether the proxy or its client wrote it.
fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let text = bytes_of(headers, name)?.map(str::from_utf8).transpose();
    let text = text.ok().filter(|text| text.is_none_or(str::is_ascii));
    text.ok_or_else(|| unclear(&format!("{name}: expected visible ASCII")))
}

fn bytes_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes).filter(|text| !text.is_empty())),
        (_, Some(_)) => Err(unclear(&format!("{name} is there twice"))),
    }
}

fn unclear(says: &str) -> ApiError {
    Problem::new(StatusCode::BAD_REQUEST, "unclear_question", says).into()
}
