//! Protection of the pages against requests from other sites.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::error::page;
use crate::app::Shared;
use crate::http::origin;

/// Middleware that denies requests from other origins, and requests to a host name that is not this server's.
pub async fn pages(State(app): State<Shared>, request: Request, next: Next) -> Response {
    match origin::check(request.method(), request.headers(), app.guard.own_origins()) {
        Ok(()) => next.run(request).await,
        Err(foreign) => {
            let (parts, _) = request.into_parts();
            page::page_without_shell(&app, &parts, &foreign.problem())
        }
    }
}
