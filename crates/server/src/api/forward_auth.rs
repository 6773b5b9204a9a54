//! `GET /forward-auth`: a proxy asks whether a request may pass.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use futures_util::future::{BoxFuture, Either};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use keyrack_guard::{Caller, Credential, Place, Problem};
use keyrack_key::{Counted, Denial, Permission, Presented, WorkspaceId};

use super::ApiError;
use super::verify::covers;
use crate::app::{App, Shared};
use crate::edge::problem::answering;
use crate::edge::session;
use crate::ops::OpError;

const WORKSPACE: HeaderName = HeaderName::from_static("x-keyrack-for-workspace");
const PERMISSION: HeaderName = HeaderName::from_static("x-keyrack-permission");
const PROXY: HeaderName = HeaderName::from_static("x-keyrack-proxy");
/// Where proxies say what was asked of them: Caddy and Traefik by themselves, nginx as our example tells it to.
const ORIGINALS: [HeaderName; 2] =
    [HeaderName::from_static("x-forwarded-uri"), HeaderName::from_static("x-original-uri")];

/// Ask whether a request may pass a proxy
///
/// For nginx (`auth_request`), Caddy and Traefik (`forward_auth`), HAProxy and Envoy. The proxy passes on the headers of its
/// client, and sets `X-Keyrack-For-Workspace` (the workspace's address or id) and, where a permission is needed,
/// `X-Keyrack-Permission`. The key stands where it may stand in any request; the query of the original request is read from
/// `X-Forwarded-Uri` or `X-Original-URI`, and a key in it stands there once and without escapes, so that the proxy can take it
/// out. No page counts as ours: a key that holds more than Inference is refused from every browser. The client's address is taken from `X-Forwarded-For` of a trusted proxy alone.
///
/// Who may pass is named in three headers, each of which is there each time, so that none of the client's passes for one
/// of them. A request that passes with `models:predict` counts as one prediction of a key with quotas of them. `X-Keyrack-Proxy: nginx` turns what nginx does not know (all but 204, 401 and 403) into a 403 whose
/// `X-Keyrack-Status` says what it was. `X-Keyrack-Code` says why in one word.
#[utoipa::path(get, path = "/forward-auth", tag = "Asking", operation_id = "forwardAuth",
    params(
        ("X-Keyrack-For-Workspace" = String, Header, description = "The workspace that the key has to belong to, by address or id"),
        ("X-Keyrack-Permission" = Option<String>, Header, description = "What the request needs; left out: only a living key"),
        ("X-Keyrack-Proxy" = Option<String>, Header, description = "`nginx`, whose `auth_request` knows 204, 401 and 403 alone")),
    responses(
        (status = 204, description = "It may pass", headers(
            ("X-Keyrack-Key" = String, description = "The key's id"),
            ("X-Keyrack-Workspace" = String, description = "The workspace's id"),
            ("X-Keyrack-Scopes" = String, description = "The key's scopes, separated by spaces"))),
        (status = 400, description = "Two keys, or the proxy does not say once what it asks"),
        (status = 401, description = "No key, or none that works"),
        (status = 403, description = "The key does not allow that"),
        (status = 429, description = "The key was used too often lately, or has made all predictions of its day or month; `Retry-After` says when to try again")))]
pub async fn ask(State(app): State<Shared>, parts: Parts) -> Response {
    match at_once(&app, parts) {
        Either::Left(answer) => answer,
        Either::Right(answer) => answer.await,
    }
}

/// The answer, where memory alone knows it: about each key without quotas, of a workspace that was asked about before. Else
/// what has to be waited for.
pub fn at_once(app: &Shared, mut parts: Parts) -> Either<Response, BoxFuture<'static, Response>> {
    let to = Proxy::of(&parts.headers);
    let decided = ask_of_original(&mut parts).and_then(|()| {
        let question = Question::of(app, &parts)?;
        let workspace = app.workspaces.known(question.workspace);
        workspace.map(|workspace| question.decide(app, workspace)).transpose()
    });
    match decided {
        Ok(Some(passing)) if !passing.spends(app) => Either::Left(to.answer(app, Ok(passing.caller))),
        Ok(Some(passing)) => {
            let app = Arc::clone(app);
            Either::Right(Box::pin(async move { to.answer(&app, passing.spend(&app).await) }))
        }
        Ok(None) => {
            let app = Arc::clone(app);
            Either::Right(Box::pin(async move { to.answer(&app, look_up(&app, &parts).await) }))
        }
        Err(error) => Either::Left(to.answer(app, Err(error))),
    }
}

/// Decides with the workspace out of the store.
async fn look_up(app: &App, parts: &Parts) -> Result<Caller, ApiError> {
    let question = Question::of(app, parts)?;
    place_of_key(app, parts)?;
    let workspace = app.workspaces.id_of(question.workspace).await?;
    let workspace = workspace.ok_or_else(|| app.refused(&Denial::Unknown.into()))?;
    question.decide(app, workspace)?.spend(app).await
}

/// What a proxy asks.
struct Question<'a> {
    parts: &'a Parts,
    /// By its address or id.
    workspace: &'a str,
    permission: Option<Permission>,
}

impl<'a> Question<'a> {
    fn of(app: &App, parts: &'a Parts) -> Result<Self, ApiError> {
        Self::read(app, parts).or_else(|unclear| place_of_key(app, parts).and(Err(unclear)))
    }

    fn read(app: &App, parts: &'a Parts) -> Result<Self, ApiError> {
        if let Some(query) = parts.uri.query()
            && place_of_key(app, parts)? == Place::Query
            && !stands_plainly(query)
        {
            return Err(unclear(
                "api-key stands in the query once, without escapes: so the proxy can take it out",
            ));
        }
        if session::token(&parts.headers, app).is_some() {
            return Err(OpError::KeyAndCookie.into());
        }
        let workspace = once(&parts.headers, &WORKSPACE)?
            .ok_or_else(|| unclear("name the workspace in X-Keyrack-For-Workspace"))?;
        let permission = once(&parts.headers, &PERMISSION)?.map(str::parse::<Permission>).transpose();
        let permission =
            permission.map_err(|unknown| unclear(&format!("X-Keyrack-Permission: {unknown}")))?;
        Ok(Self { parts, workspace, permission })
    }

    fn decide(self, app: &App, workspace: WorkspaceId) -> Result<Passing, ApiError> {
        let caller = app.guard_of_proxies.check_in(workspace, self.parts, self.permission);
        let caller = caller.map_err(|refusal| app.refused(&refusal))?;
        // A proxy names no project and no model, so it could be any.
        covers(caller.key(), None, None)?;
        Ok(Passing { caller, is_prediction: self.permission == Some(Permission::ModelsPredict) })
    }
}

/// Where the key stands. Whoever has none learns nothing here: not what is unclear, nor which workspaces there are.
fn place_of_key(app: &App, parts: &Parts) -> Result<Place, ApiError> {
    let credential = Credential::find(&parts.headers, &parts.uri)
        .and_then(|credential| credential.ok_or(Denial::Missing))
        .and_then(|credential| {
            Presented::parse(credential.text(), &app.config.brands)?;
            Ok(credential.place())
        });
    Ok(credential.map_err(|denial| app.refused(&denial.into()))?)
}

/// A request that the guard has let through.
struct Passing {
    caller: Caller,
    is_prediction: bool,
}

impl Passing {
    /// Whether its key has a quota of what is asked for.
    fn spends(&self, app: &App) -> bool {
        self.is_prediction && app.quotas.has_of(&self.caller, Counted::Predictions)
    }

    /// What becomes of the request is not known here: it is spent.
    async fn spend(self, app: &App) -> Result<Caller, ApiError> {
        if self.is_prediction {
            let _ = app.quotas.take_of(&self.caller, Counted::Predictions).await?;
        }
        Ok(self.caller)
    }
}

/// Who asks, and so how it is answered.
#[derive(Clone, Copy)]
enum Proxy {
    /// Knows 204, 401 and 403 alone.
    Nginx,
    Other,
}

impl Proxy {
    fn of(headers: &HeaderMap) -> Self {
        if headers.get(PROXY).is_some_and(|proxy| proxy == "nginx") { Self::Nginx } else { Self::Other }
    }

    fn answer(self, app: &App, decided: Result<Caller, ApiError>) -> Response {
        match decided {
            Ok(caller) => {
                app.metrics.allowed();
                passed(&caller)
            }
            Err(ApiError(error)) => answering(&error, self.refused(error.problem())),
        }
    }

    fn refused(self, problem: Problem) -> Problem {
        let (status, code) = (problem.status(), problem.code());
        let problem = problem.header(HeaderName::from_static("x-keyrack-code"), code);
        match (self, status) {
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) | (Self::Other, _) => problem,
            (Self::Nginx, other) => {
                let was = HeaderName::from_static("x-keyrack-status");
                problem.header(was, other.as_str()).answered_as(StatusCode::FORBIDDEN)
            }
        }
    }
}

fn passed(caller: &Caller) -> Response {
    let key = caller.key();
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    // With those of every answer.
    headers.reserve(8);
    let mut name = |name, value: &str| {
        // Ids and words are ASCII.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let mut room = [0; 36];
    name("x-keyrack-key", key.key.text(&mut room));
    name("x-keyrack-workspace", key.workspace.text(&mut room));
    name("x-keyrack-scopes", &key.scopes.to_string());
    response
}

/// Puts what the client asked the proxy for in the place of what the proxy asks us, if the proxy says it.
fn ask_of_original(parts: &mut Parts) -> Result<(), ApiError> {
    for name in &ORIGINALS {
        if let Some(text) = once(&parts.headers, name)? {
            parts.uri =
                text.parse().map_err(|_| unclear(&format!("{name}: expected a path with its query")))?;
            return Ok(());
        }
    }
    Ok(())
}

/// Whether a proxy that looks for `api-key=` finds every key of this query, and all of it.
fn stands_plainly(query: &str) -> bool {
    let mut keys = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "api-key");
    let mut plain = query.split('&').filter_map(|pair| pair.strip_prefix("api-key="));
    let (key, text) = (keys.next(), plain.next());
    let is_plain = key.zip(text).is_some_and(|((_, value), text)| value == text);
    is_plain && keys.next().is_none() && plain.next().is_none()
}

/// A header that says one thing. Twice, nobody knows whether the proxy or its client wrote it.
fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    match (value, values.next()) {
        (Ok(value), None) => Ok(value.filter(|text| !text.is_empty())),
        (Ok(_), Some(_)) => Err(unclear(&format!("{name} is there twice"))),
        (Err(_), _) => Err(unclear(&format!("{name}: expected visible ASCII"))),
    }
}

fn unclear(says: &str) -> ApiError {
    Problem::new(StatusCode::BAD_REQUEST, "unclear_question", says).into()
}
