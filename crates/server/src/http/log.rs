//! Logs a line per request: its method, its path without the query, and its result. Other parts of a request are not
//! logged, because each of them may contain a key.

use std::net::IpAddr;
use std::time::Instant;

use axum::response::Response;
use http::request::Parts;
use keyrack_guard::DeniedCheck;
use tracing::Span;

use super::path;
use super::request_id::RequestId;
use crate::metrics;

const TARGET: &str = "keyrack::requests";

/// Returns the span of all log lines that a request causes.
pub fn span(id: &RequestId) -> Span {
    tracing::info_span!("request", id = id.as_str())
}

/// The log line of a request that is still in progress.
pub struct RequestLogLine(Option<LogStart>);

struct LogStart {
    at: Instant,
    method: &'static str,
    path: String,
    address: Option<IpAddr>,
}

impl RequestLogLine {
    /// Starts the line. Allocates nothing if the line will not be written.
    pub fn begin(request: &Parts, address: Option<IpAddr>) -> Self {
        Self::of(metrics::method_label(&request.method), address, || {
            path::tellable(request.uri.path()).into_owned()
        })
    }

    /// Starts the line of bytes that are not a request.
    pub fn of_unread(address: IpAddr) -> Self {
        Self::of("unread", Some(address), String::new)
    }

    fn of(method: &'static str, address: Option<IpAddr>, path: impl FnOnce() -> String) -> Self {
        let is_written = tracing::enabled!(target: TARGET, tracing::Level::DEBUG);
        Self(is_written.then(|| LogStart { at: Instant::now(), method, path: path(), address }))
    }

    pub fn end(self, id: &RequestId, response: &Response) {
        let Some(LogStart { at, method, path, address }) = self.0 else { return };
        let refused = response.extensions().get::<DeniedCheck>().map(|refusal| refusal.denial.code());
        let address = address.map(tracing::field::display);
        let (id, status, took) = (id.as_str(), response.status().as_u16(), at.elapsed());
        tracing::debug!(target: TARGET, method, path, status, refused, address, id, ?took, "answered");
    }
}
