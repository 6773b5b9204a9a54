//! The host that a request is addressed to, in one place.

use http::request::Parts;
use http::{HeaderValue, StatusCode, Version, header};
use keyrack_guard::Problem;

/// HTTP/2 and absolute addresses name the host beside the path; it counts more than the header (RFC 9112, section 3.2.2),
/// and becomes it, so that nobody asks two places. HTTP/1.1 demands one name, and not two (section 3.2).
pub fn settle(request: &mut Parts) -> Result<(), Box<Problem>> {
    let authority = request.uri.authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = authority {
        request.headers.insert(header::HOST, host);
    }
    match request.headers.get_all(header::HOST).iter().count() {
        1 => Ok(()),
        0 if request.version < Version::HTTP_11 => Ok(()),
        _ => Err(Box::new(Problem::new(StatusCode::BAD_REQUEST, "bad_host", "expected one Host header"))),
    }
}
