//! Requests of proxies: parsing of their headers, and the decision of the guard.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use keyrack_guard::{Caller, KeyLocation, Problem};
use keyrack_key::{Denial, Permission, Presented, QuotaResource, WorkspaceId};

use super::proxy::Proxy;
use crate::api::ApiError;
use crate::api::verify::covers;
use crate::app::App;
use crate::http::session;
use keyrack_core::OpError;
use keyrack_core::quotas::QuotaUnit;

const WORKSPACE: HeaderName = HeaderName::from_static("x-keyrack-for-workspace");
const PERMISSION: HeaderName = HeaderName::from_static("x-keyrack-permission");
/// The headers with the URI of the client's request. Caddy and Traefik set the first by default. Our nginx example sets the second.
const ORIGINAL_URI: [HeaderName; 2] =
    [HeaderName::from_static("x-forwarded-uri"), HeaderName::from_static("x-original-uri")];

/// The request of a proxy to check a client's request.
pub(super) struct CheckRequest<'a> {
    parts: &'a Parts,
    /// The address of the client.
    address: Option<IpAddr>,
    /// The slug or the ID of the workspace.
    pub(super) workspace: &'a str,
    permission: Option<Permission>,
}

impl<'a> CheckRequest<'a> {
    /// Reads the headers. Errors with 401 if the request has no key, whatever else is wrong with it.
    pub(super) fn read(app: &App, address: Option<IpAddr>, parts: &'a Parts) -> Result<Self, ApiError> {
        Self::parse(app, address, parts).or_else(|error| presented_key_place(app, parts).and(Err(error)))
    }

    fn parse(app: &App, address: Option<IpAddr>, parts: &'a Parts) -> Result<Self, ApiError> {
        if let Some(query) = parts.uri.query().filter(|query| has_key(query)) {
            if Proxy::of(&parts.headers).passes_on_keys_in_query() {
                return Err(malformed(
                    "This proxy can't remove a key from the query. Send the key in Authorization or X-Api-Key.",
                ));
            }
            if !is_removable(query) {
                return Err(malformed(
                    "The proxy can remove api-key from the query only if it occurs once and without \
                     escapes. Send the key in Authorization or X-Api-Key.",
                ));
            }
        }
        if session::token(&parts.headers, app).is_some() {
            return Err(OpError::KeyAndCookie.into());
        }
        let workspace = single_value(&parts.headers, &WORKSPACE)?.ok_or_else(|| {
            malformed(
                "The header X-Keyrack-For-Workspace is missing. Set it to the slug or \
                 ID of the workspace.",
            )
        })?;
        Ok(Self { parts, address, workspace, permission: permission(&parts.headers)? })
    }

    /// Decides with the guard. Errors if the request is denied.
    pub(super) fn decide(self, app: &App, workspace: WorkspaceId) -> Result<AllowedCaller, ApiError> {
        let caller = app.guard_of_proxies.check_in(workspace, self.address, self.parts, self.permission);
        let caller = caller.map_err(|check| app.deny(&check))?;
        // The proxy doesn't name a project or a model, so the request could be about any.
        covers(caller.key(), None, None)?;
        Ok(AllowedCaller { caller, is_prediction: self.permission == Some(Permission::ModelsPredict) })
    }
}

/// Returns the permission that the request needs, or `None` if it needs none. Errors with 400 if the permission is unknown.
pub(super) fn permission(headers: &HeaderMap) -> Result<Option<Permission>, ApiError> {
    // A proxy whose variable is empty must not open the service to every key.
    if headers.get(&PERMISSION).is_some_and(HeaderValue::is_empty) {
        return Err(malformed(
            "X-Keyrack-Permission is empty. Set it to a permission, or leave the header \
             out.",
        ));
    }
    let permission = single_value(headers, &PERMISSION)?.map(str::parse::<Permission>).transpose();
    permission.map_err(|unknown| malformed(&format!("X-Keyrack-Permission: {unknown}")))
}

/// Returns where the request has its key. Errors with 401 if the request has no well-formed key, so that a client without a key
/// can't learn about other problems of the request, or about which workspaces exist.
pub(super) fn presented_key_place(app: &App, parts: &Parts) -> Result<KeyLocation, ApiError> {
    let credential =
        app.guard_of_proxies.find(parts).and_then(|credential| credential.ok_or(Denial::Missing)).and_then(
            |credential| {
                Presented::parse(credential.text(), &app.config.brands)?;
                Ok(credential.location())
            },
        );
    credential.map_err(|denial| app.deny(&denial.into()))
}

/// A caller whose request the guard has allowed. Quotas aren't checked yet.
pub(super) struct AllowedCaller {
    caller: Caller,
    is_prediction: bool,
}

/// An allowed request, and what it used of the key's quotas.
pub(super) struct AllowedRequest {
    pub(super) caller: Caller,
    pub(super) quota: QuotaUnit,
}

impl AllowedCaller {
    /// Whether the request counts against a quota of the key.
    pub(super) fn has_quota(&self, app: &App) -> bool {
        self.is_prediction && app.quotas.has_quota(&self.caller, QuotaResource::Predictions)
    }

    /// Takes one prediction from the key's quotas if the request needs that permission. Errors if a quota is exceeded. The
    /// prediction isn't given back, because the server doesn't learn whether the request succeeds.
    pub(super) async fn spend(self, app: &App) -> Result<AllowedRequest, ApiError> {
        if !self.is_prediction {
            return Ok(self.without_quota());
        }
        let quota = app.quotas.spend_for(&self.caller, QuotaResource::Predictions).await?;
        Ok(AllowedRequest { caller: self.caller, quota })
    }

    /// Takes nothing from quotas.
    pub(super) fn without_quota(self) -> AllowedRequest {
        AllowedRequest { caller: self.caller, quota: QuotaUnit::none() }
    }
}

/// Replaces the URI of the proxy's request by the URI of the client's request, if a header has it.
pub(super) fn restore_original_uri(parts: &mut Parts) -> Result<(), ApiError> {
    for name in &ORIGINAL_URI {
        if let Some(text) = single_value_bytes(&parts.headers, name)? {
            parts.uri =
                parse_uri(text).ok_or_else(|| malformed(&format!("{name}: Use a path with its query.")))?;
            return Ok(());
        }
    }
    Ok(())
}

/// Parses a URI of a client. Some clients don't escape characters that are invalid in a URI (RFC 3986, section 2), and many
/// services accept that, so this function escapes them.
fn parse_uri(text: &[u8]) -> Option<Uri> {
    Uri::try_from(text).or_else(|_| Uri::try_from(escaped(text))).ok()
}

fn escaped(text: &[u8]) -> String {
    // Proxies don't forward a fragment, and `Uri` rejects it.
    let text = text.split(|byte| *byte == b'#').next().unwrap_or_default();
    let mut uri = String::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Whether a query has the parameter `api-key`, with or without percent-encoding.
fn has_key(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "api-key")
}

/// Whether a proxy that removes one plain `api-key=…` removes every key of the query.
fn is_removable(query: &str) -> bool {
    let mut keys = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "api-key");
    let mut plain = query.split('&').filter_map(|pair| pair.strip_prefix("api-key="));
    let (key, text) = (keys.next(), plain.next());
    let is_plain = key.zip(text).is_some_and(|((_, value), text)| value == text);
    is_plain && keys.next().is_none() && plain.next().is_none()
}

/// Returns the value of a header, or `None` if it is missing or empty. Errors if the header occurs twice, because one of the values
/// may come from the client.
fn single_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let text = single_value_bytes(headers, name)?.map(str::from_utf8).transpose();
    let text = text.ok().filter(|text| text.is_none_or(str::is_ascii));
    text.ok_or_else(|| malformed(&format!("{name}: Use visible ASCII characters.")))
}

fn single_value_bytes<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes).filter(|text| !text.is_empty())),
        (_, Some(_)) => Err(malformed(&format!("The header {name} is duplicated. Send it once."))),
    }
}

fn malformed(message: &str) -> ApiError {
    Problem::new(StatusCode::BAD_REQUEST, "ambiguous_request", message).into()
}
