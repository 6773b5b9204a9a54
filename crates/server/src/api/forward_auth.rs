//! `GET /forward-auth`: a proxy asks whether a request may pass.

mod proxy;
mod question;

use std::net::IpAddr;

use axum::extract::State;
use axum::middleware::map_response;
use axum::response::Response;
use futures_util::future::{BoxFuture, Either};
use http::request::Parts;
use keyrack_guard::ClientAddress;
use keyrack_key::Denial;
use utoipa_axum::router::UtoipaMethodRouter;

use super::ApiError;
use crate::app::{App, Shared};
use crate::edge::cors::NoPreflight;
use proxy::Proxy;
use question::{Passed, Question, ask_of_original, place_of_key};

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
#[utoipa::path(get, path = "/forward-auth", tag = "Verification", operation_id = "forwardAuth",
    params(
        ("X-Keyrack-For-Workspace" = crate::api::schema::WorkspaceReference, Header, description = "The workspace that the key has to belong to, by address or id"),
        ("X-Keyrack-Permission" = Option<crate::api::schema::PermissionName>, Header, description = "What the request needs; left out: only a living key"),
        ("X-Keyrack-Proxy" = Option<String>, Header, description = "`nginx`, whose `auth_request` knows only 204, 401, and 403; `envoy`, whose `ext_authz` accepts only 200 and calls a path below this one; `traefik`, which can't remove a key from the query, so that a request with `api-key` there is denied")),
    responses(
        (status = 200, description = "The request is allowed (the status for Envoy), with the headers of 204"),
        (status = 204, description = "The request is allowed", headers(
            ("X-Keyrack-Key" = String, description = "The key's id"),
            ("X-Keyrack-Workspace" = String, description = "The workspace's id"),
            ("X-Keyrack-Scopes" = String, description = "The key's scopes, separated by spaces"),
            ("RateLimit" = Option<String>, description = "What is left of the key's rates, and of the quotas of which it took one"),
            ("RateLimit-Policy" = Option<String>, description = "What these rates and quotas are"))),
        (status = 400, description = "Two keys, or the proxy does not say once what it asks"),
        (status = 401, description = "No key, or none that works"),
        (status = 403, description = "The key does not allow that"),
        (status = 429, description = "The key was used too often lately, or has made all predictions of its day or month; `Retry-After` says when to try again")))]
pub async fn ask(State(app): State<Shared>, parts: Parts) -> Response {
    match ask_at_once(&app, ClientAddress::of(&parts), parts) {
        Either::Left(answer) => answer,
        Either::Right(answer) => answer.await,
    }
}

/// The route without an answer to preflights: nothing but a decision of the guard is a yes there.
pub fn without_preflight(
    (schemas, paths, methods): UtoipaMethodRouter<Shared>,
) -> UtoipaMethodRouter<Shared> {
    let mark = async |mut answer: Response| {
        answer.extensions_mut().insert(NoPreflight);
        answer
    };
    (schemas, paths, methods.layer(map_response(mark)))
}

/// The answer where memory alone knows it, which is nearly always, or what has to be waited for: a workspace that is named by
/// its address for the first time, and a key's quotas of predictions.
pub fn ask_at_once(
    app: &Shared,
    address: Option<IpAddr>,
    mut parts: Parts,
) -> Either<Response, BoxFuture<'static, Response>> {
    let to = Proxy::of(&parts.headers);
    let decided = ask_of_original(&mut parts).and_then(|()| {
        let question = Question::of(app, address, &parts)?;
        let workspace = app.workspaces.known(question.workspace);
        workspace.map(|workspace| question.decide(app, workspace)).transpose()
    });
    match decided {
        Ok(Some(passing)) if !passing.spends(app) => Either::Left(to.answer(app, &parts, Ok(passing.free()))),
        Ok(Some(passing)) => {
            let app = app.clone();
            Either::Right(Box::pin(async move { to.answer(&app, &parts, passing.spend(&app).await) }))
        }
        Ok(None) => {
            let app = app.clone();
            Either::Right(Box::pin(
                async move { to.answer(&app, &parts, look_up(&app, address, &parts).await) },
            ))
        }
        Err(error) => Either::Left(to.answer(app, &parts, Err(error))),
    }
}

/// Decides with the workspace out of the store.
async fn look_up(app: &App, address: Option<IpAddr>, parts: &Parts) -> Result<Passed, ApiError> {
    let question = Question::of(app, address, parts)?;
    // Whoever has no key learns nothing of which workspaces there are, and has the store asked nothing.
    place_of_key(app, parts)?;
    let workspace = app.workspaces.id_of(question.workspace).await?;
    let workspace = workspace.ok_or_else(|| app.refused(&Denial::Unknown.into()))?;
    question.decide(app, workspace)?.spend(app).await
}
