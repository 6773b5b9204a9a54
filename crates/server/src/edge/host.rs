//! The host that a request is addressed to, in one place.

use axum::extract::Request;
use http::{HeaderValue, header};

/// HTTP/2 and absolute addresses name the host beside the path; it counts more than the header (RFC 9112, section 3.2.2),
/// and becomes it, so that nobody asks two places.
pub async fn settle(mut request: Request) -> Request {
    let authority = request.uri().authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = authority {
        request.headers_mut().insert(header::HOST, host);
    }
    request
}
