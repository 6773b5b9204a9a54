//! A line in the log for each request: its method, its path without the query, and how it ended. Nothing else that a
//! client wrote: a key may stand anywhere.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use keyrack_guard::{ClientAddress, Refusal};
use tracing::Instrument;

use super::{path, request_id};
use crate::metrics;

/// Logs requests.
pub async fn requests(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = metrics::known(request.method());
    let path = path::tellable(request.uri().path()).into_owned();
    let id = request.headers().get(request_id::HEADER).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let address = request.extensions().get::<ClientAddress>().map(|address| address.0);
    let span = tracing::info_span!("request", id = id.as_deref());
    let response = next.run(request).instrument(span).await;
    let refused = response.extensions().get::<Refusal>().map(|refusal| refusal.denial.code());
    let status = response.status().as_u16();
    let took = started.elapsed();
    tracing::debug!(target: "keyrack::requests", method, path, status, refused, ?address, id, ?took, "answered");
    response
}
