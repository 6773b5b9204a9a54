//! Keeps other sites away from the pages.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::error;
use crate::app::Shared;
use crate::edge::origin;

/// Answers requests that our own pages made, to a name that is ours.
pub async fn pages(State(app): State<Shared>, request: Request, next: Next) -> Response {
    match origin::check(request.method(), request.headers(), app.guard.home()) {
        Ok(()) => next.run(request).await,
        Err(foreign) => {
            let (parts, _) = request.into_parts();
            error::page(&app, &parts, &foreign.problem())
        }
    }
}
