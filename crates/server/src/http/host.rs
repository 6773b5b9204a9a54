//! The head of a request: the one host that it is addressed to, and how long it may be.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use keyrack_guard::Problem;

/// The most bytes that the address and the headers of a request may have. The HTTP library reads twice as many.
pub const HEAD_BYTES: usize = 32 * 1024;
/// The most headers that a request may have. With HTTP/1.1 the HTTP library itself reads no more. Cookies don't count: with
/// HTTP/2 each may have a header of its own (RFC 9113, section 8.2.3).
const HEADERS_MAX: usize = 100;

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

/// Refuses a request whose address and headers are longer than [`HEAD_BYTES`], or that has more than [`HEADERS_MAX`].
pub fn check_size(request: &Parts) -> Result<(), Box<Problem>> {
    let path = request.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let is_short = path + bytes_of(&request.headers) <= HEAD_BYTES;
    if is_short && count_of(&request.headers) <= HEADERS_MAX {
        return Ok(());
    }
    Err(Box::new(headers_too_large()))
}

/// The problem with a request that [`check_size`] refuses, or the HTTP library.
pub fn headers_too_large() -> Problem {
    let says = format!(
        "The URL and headers are longer than {HEAD_BYTES} bytes, or there are more than {HEADERS_MAX} headers. Send fewer or \
         shorter headers."
    );
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", says)
}

fn count_of(headers: &HeaderMap) -> usize {
    // Only a request with too many is looked at closely.
    if headers.len() <= HEADERS_MAX {
        return headers.len();
    }
    headers.len() - headers.get_all(header::COOKIE).iter().count()
}

/// As they are written in HTTP/1.1, each on a line.
fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}
