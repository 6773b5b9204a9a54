//! `GET /forward-auth`: authorizes requests for reverse proxies.

mod check;
mod proxy;
mod response;

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
use crate::http::cors::NoPreflight;
use check::{AllowedRequest, CheckRequest, presented_key_place, restore_original_uri};
use proxy::Proxy;

/// Authorize a request for a reverse proxy
///
/// Works with nginx (`auth_request`), Caddy and Traefik (`forward_auth`), HAProxy, and Envoy (`ext_authz`). The proxy
/// forwards the headers of its client. It sets `X-Keyrack-For-Workspace`, and `X-Keyrack-Permission` if the request
/// needs a permission. The client sends its key as in any other request. The server reads the query of the client's
/// request from `X-Forwarded-Uri` or `X-Original-URI`. A key in the query must occur once and without percent-encoding,
/// so that the proxy can remove it. A key with more scopes than Inference is denied if a browser sends it. The address
/// of the client is only read from `X-Forwarded-For` of a trusted proxy.
///
/// Responses to allowed requests always have all three of the headers `X-Keyrack-Key`, `X-Keyrack-Workspace`, and
/// `X-Keyrack-Scopes`, so that the client can't forge one of them. An allowed request with `models:predict` counts as one
/// prediction of the key's quotas. `X-Keyrack-Code` has the code of a denial. With `X-Keyrack-Proxy: nginx`, statuses that nginx
/// doesn't support become 403, and `X-Keyrack-Status` has the original status.
#[utoipa::path(get, path = "/forward-auth", tag = "Verification", operation_id = "forwardAuth",
    params(
        ("X-Keyrack-For-Workspace" = crate::api::schema::WorkspaceReference, Header, description = "The slug or the ID of the workspace that the key must belong to."),
        ("X-Keyrack-Permission" = Option<crate::api::schema::PermissionName>, Header, description = "The permission that the request needs. Without it, every active key is allowed."),
        ("X-Keyrack-Proxy" = Option<String>, Header, description = "`nginx`: `auth_request` only supports 204, 401, and 403. `envoy`: `ext_authz` only accepts 200, and sends requests to a path below this one. `traefik`: Traefik can't remove a key from the query, so requests with `api-key` in the query are denied.")),
    responses(
        (status = 200, description = "The request is allowed, with the headers of 204. Only for Envoy."),
        (status = 204, description = "The request is allowed.", headers(
            ("X-Keyrack-Key" = String, description = "The key's ID"),
            ("X-Keyrack-Workspace" = String, description = "The workspace's ID"),
            ("X-Keyrack-Scopes" = String, description = "The key's scopes, separated by spaces"),
            ("RateLimit" = Option<String>, description = "The remaining requests of the key's rate limits, and the remaining predictions of its quotas"),
            ("RateLimit-Policy" = Option<String>, description = "The key's rate limits and quotas"))),
        (status = 400, description = "The request has two keys, or a header of the proxy is missing or occurs twice."),
        (status = 401, description = "The key is missing, unknown, paused, expired, or deleted."),
        (status = 403, description = "The key doesn't have the permission, or is restricted."),
        (status = 429, description = "A rate limit or a quota of predictions is exceeded. Retry after `Retry-After` seconds.")))]
pub async fn forward_auth(State(app): State<Shared>, parts: Parts) -> Response {
    match decide_in_memory(&app, ClientAddress::of(&parts), parts) {
        Either::Left(response) => response,
        Either::Right(response) => response.await,
    }
}

/// Disables responses to preflights, because a proxy would take their 204 as a decision to allow the request.
pub fn without_preflight(
    (schemas, paths, methods): UtoipaMethodRouter<Shared>,
) -> UtoipaMethodRouter<Shared> {
    let mark = async |mut response: Response| {
        response.extensions_mut().insert(NoPreflight);
        response
    };
    (schemas, paths, methods.layer(map_response(mark)))
}

/// Returns the response if memory suffices to decide, which is the usual case. Returns a future if the decision needs the database:
/// for the first request with a workspace's slug, and for a key with quotas of predictions.
pub fn decide_in_memory(
    app: &Shared,
    address: Option<IpAddr>,
    mut parts: Parts,
) -> Either<Response, BoxFuture<'static, Response>> {
    let proxy = Proxy::of(&parts.headers);
    let decided = restore_original_uri(&mut parts).and_then(|()| {
        let request = CheckRequest::read(app, address, &parts)?;
        let workspace = app.workspaces.known(request.workspace);
        workspace.map(|workspace| request.decide(app, workspace)).transpose()
    });
    match decided {
        Ok(Some(caller)) if !caller.has_quota(app) => {
            Either::Left(proxy.response(app, &parts, Ok(caller.without_quota())))
        }
        Ok(Some(caller)) => {
            let app = app.clone();
            Either::Right(Box::pin(async move { proxy.response(&app, &parts, caller.spend(&app).await) }))
        }
        Ok(None) => {
            let app = app.clone();
            Either::Right(Box::pin(async move {
                proxy.response(&app, &parts, decide_with_database(&app, address, &parts).await)
            }))
        }
        Err(error) => Either::Left(proxy.response(app, &parts, Err(error))),
    }
}

/// Looks the workspace up in the database and decides.
async fn decide_with_database(
    app: &App,
    address: Option<IpAddr>,
    parts: &Parts,
) -> Result<AllowedRequest, ApiError> {
    let request = CheckRequest::read(app, address, parts)?;
    // A request without a key causes no query, and can't find out which workspaces exist.
    presented_key_place(app, parts)?;
    let workspace = app.workspaces.id_of(request.workspace).await?;
    let workspace = workspace.ok_or_else(|| app.deny(&Denial::Unknown.into()))?;
    request.decide(app, workspace)?.spend(app).await
}
