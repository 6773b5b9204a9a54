//! A line in the log for each request: its method, its path without the query, and how it ended.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use keyrack_guard::{ClientAddress, Refusal};

use super::request_id;

/// Logs requests. The query is left out: a key may stand in it.
pub async fn requests(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let id = request.headers().get(request_id::HEADER).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let address = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let response = next.run(request).await;
    let refused = response.extensions().get::<Refusal>().map(|refusal| refusal.denial.code());
    let status = response.status().as_u16();
    let took = started.elapsed();
    tracing::debug!(target: "keyrack::requests", %method, path, status, refused, ?address, id, ?took, "answered");
    response
}
