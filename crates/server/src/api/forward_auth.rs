//! `GET /forward-auth`: a proxy asks whether a request may pass.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use keyrack_guard::{Caller, Credential, Place, Problem};
use keyrack_key::{Counted, Denial, Permission, Presented, Scope};

use super::ApiError;
use super::verify::covers;
use crate::app::{App, Shared};
use crate::edge::problem::answering;
use crate::edge::session;
use crate::ops::OpError;

const WORKSPACE: &str = "x-keyrack-for-workspace";
const PERMISSION: &str = "x-keyrack-permission";
const PROXY: &str = "x-keyrack-proxy";
/// Where proxies say what was asked of them: Caddy and Traefik by themselves, nginx as our example tells it to.
const ORIGINALS: [&str; 2] = ["x-forwarded-uri", "x-original-uri"];

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
pub async fn ask(State(app): State<Shared>, mut parts: Parts) -> Response {
    let is_nginx = parts.headers.get(PROXY).is_some_and(|proxy| proxy == "nginx");
    let answer = match original(&parts.headers) {
        Ok(original) => {
            parts.uri = original.unwrap_or(parts.uri);
            no_page_is_ours(&mut parts.headers);
            decide(&app, &parts).await
        }
        Err(error) => Err(error),
    };
    match answer {
        Ok(caller) => {
            app.metrics.allowed();
            (StatusCode::NO_CONTENT, passed(&caller)).into_response()
        }
        Err(ApiError(error)) => answering(&error, refused(error.problem(), is_nginx)),
    }
}

async fn decide(app: &App, parts: &Parts) -> Result<Caller, ApiError> {
    // Whoever has no key learns nothing here, not even which workspaces there are.
    let credential = Credential::find(&parts.headers, &parts.uri)
        .and_then(|credential| credential.ok_or(Denial::Missing))
        .and_then(|credential| {
            Presented::parse(credential.text(), &app.config.brands)?;
            Ok(credential)
        });
    let credential = credential.map_err(|denial| app.refused(&denial.into()))?;
    if credential.place() == Place::Query && !stands_plainly(parts.uri.query().unwrap_or_default()) {
        return Err(unclear(
            "api-key stands in the query once, without escapes: so the proxy can take it out",
        ));
    }
    if session::token(&parts.headers, app).is_some() {
        return Err(OpError::KeyAndCookie.into());
    }
    let named = once(&parts.headers, WORKSPACE)?
        .ok_or_else(|| unclear("name the workspace in X-Keyrack-For-Workspace"))?;
    let permission = once(&parts.headers, PERMISSION)?.map(str::parse::<Permission>).transpose();
    let permission = permission.map_err(|unknown| unclear(&format!("X-Keyrack-Permission: {unknown}")))?;
    let workspace = app.workspaces.id_of(named).await?;
    let workspace = workspace.ok_or_else(|| app.refused(&Denial::Unknown.into()))?;
    let caller = app.guard.check_in(workspace, parts, permission);
    let caller = caller.map_err(|refusal| app.refused(&refusal))?;
    // A proxy names no project and no model, so it could be any.
    covers(caller.key(), None, None)?;
    if permission == Some(Permission::ModelsPredict) {
        // What becomes of the request is not known here: it is spent.
        let _ = app.quotas.take_of(&caller, Counted::Predictions).await?;
    }
    Ok(caller)
}

/// What the client asked the proxy for, as the proxy says it.
fn original(headers: &HeaderMap) -> Result<Option<Uri>, ApiError> {
    for name in ORIGINALS {
        if let Some(text) = once(headers, name)? {
            let uri =
                text.parse().map_err(|_| unclear(&format!("{name}: expected a path with its query")))?;
            return Ok(Some(uri));
        }
    }
    Ok(None)
}

/// Whether a proxy that looks for `api-key=` finds every key of this query, and all of it.
fn stands_plainly(query: &str) -> bool {
    let mut keys = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "api-key");
    let mut plain = query.split('&').filter_map(|pair| pair.strip_prefix("api-key="));
    let (key, text) = (keys.next(), plain.next());
    let is_plain = key.zip(text).is_some_and(|((_, value), text)| value == text);
    is_plain && keys.next().is_none() && plain.next().is_none()
}

/// A page of the site behind the proxy is as public as any other, whichever host the proxy names.
fn no_page_is_ours(headers: &mut HeaderMap) {
    headers.remove(header::HOST);
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site == "same-origin") {
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-site"));
    }
}

/// A header that says one thing. Twice, nobody knows whether the proxy or its client wrote it.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ApiError> {
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

fn passed(caller: &Caller) -> [(HeaderName, String); 3] {
    let key = caller.key();
    let scopes: Vec<_> = key.scopes.iter().map(Scope::name).collect();
    [
        (HeaderName::from_static("x-keyrack-key"), key.key.to_string()),
        (HeaderName::from_static("x-keyrack-workspace"), key.workspace.to_string()),
        (HeaderName::from_static("x-keyrack-scopes"), scopes.join(" ")),
    ]
}

fn refused(problem: Problem, is_nginx: bool) -> Problem {
    let (status, code) = (problem.status(), problem.code());
    let problem = problem.header(HeaderName::from_static("x-keyrack-code"), code);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => problem,
        other if is_nginx => {
            let was = HeaderName::from_static("x-keyrack-status");
            problem.header(was, other.as_str()).answered_as(StatusCode::FORBIDDEN)
        }
        _ => problem,
    }
}
