//! A line in the log for each request: its method, its path without the query, and how it ended. Nothing else that a
//! client wrote: a key may stand anywhere.

use std::net::IpAddr;
use std::time::Instant;

use axum::response::Response;
use http::request::Parts;
use keyrack_guard::Refusal;
use tracing::Span;

use super::path;
use super::request_id::RequestId;
use crate::metrics;

const TARGET: &str = "keyrack::requests";

/// What everything is logged in that a request causes.
pub fn span(id: &RequestId) -> Span {
    tracing::info_span!("request", id = id.as_str())
}

/// A request that is not answered yet.
pub struct Line(Option<Begun>);

struct Begun {
    at: Instant,
    method: &'static str,
    path: String,
    address: Option<IpAddr>,
}

impl Line {
    /// Remembers nothing where no such line is written.
    pub fn begin(request: &Parts, address: Option<IpAddr>) -> Self {
        Self::of(metrics::method_label(&request.method), address, || {
            path::tellable(request.uri.path()).into_owned()
        })
    }

    /// The same for bytes that are no request.
    pub fn of_unread(address: IpAddr) -> Self {
        Self::of("unread", Some(address), String::new)
    }

    fn of(method: &'static str, address: Option<IpAddr>, path: impl FnOnce() -> String) -> Self {
        let is_written = tracing::enabled!(target: TARGET, tracing::Level::DEBUG);
        Self(is_written.then(|| Begun { at: Instant::now(), method, path: path(), address }))
    }

    /// Writes it.
    pub fn end(self, id: &RequestId, response: &Response) {
        let Some(Begun { at, method, path, address }) = self.0 else { return };
        let refused = response.extensions().get::<Refusal>().map(|refusal| refusal.denial.code());
        let address = address.map(tracing::field::display);
        let (id, status, took) = (id.as_str(), response.status().as_u16(), at.elapsed());
        tracing::debug!(target: TARGET, method, path, status, refused, address, id, ?took, "answered");
    }
}
