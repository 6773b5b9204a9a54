//! Checks the head of a request: its host and its length.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use keyrack_guard::Problem;

/// The most bytes of a request's URL and headers. The HTTP library reads twice as many.
pub const HEAD_BYTES: usize = 32 * 1024;
/// The most headers of a request. With HTTP/1.1 the HTTP library reads no more. Cookies do not count, because HTTP/2 may
/// send each cookie in a separate header (RFC 9113, section 8.2.3).
const HEADERS_MAX: usize = 100;

/// Copies the host of the URI to the `Host` header, so that other code reads only the header. HTTP/2 requests and absolute
/// URIs carry a host, which has precedence over the header (RFC 9112, section 3.2.2). Fails if an HTTP/1.1 request has no
/// host or several hosts (section 3.2).
pub fn settle(request: &mut Parts) -> Result<(), Box<Problem>> {
    let authority = request.uri.authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = authority {
        request.headers.insert(header::HOST, host);
    }
    match request.headers.get_all(header::HOST).iter().count() {
        1 => Ok(()),
        0 if request.version < Version::HTTP_11 => Ok(()),
        _ => {
            Err(Box::new(Problem::new(StatusCode::BAD_REQUEST, "bad_host", "Send exactly one Host header.")))
        }
    }
}

/// Denies a request whose URL and headers exceed [`HEAD_BYTES`], or that has more than `HEADERS_MAX` headers.
pub fn check_size(request: &Parts) -> Result<(), Box<Problem>> {
    let path = request.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let is_short = path + bytes_of(&request.headers) <= HEAD_BYTES;
    if is_short && count_of(&request.headers) <= HEADERS_MAX {
        return Ok(());
    }
    Err(Box::new(headers_too_large()))
}

/// Returns the problem for a request that [`check_size`] or the HTTP library denies.
pub fn headers_too_large() -> Problem {
    let message = format!(
        "The URL and headers are longer than {HEAD_BYTES} bytes, or there are more than {HEADERS_MAX} headers. Send fewer or \
         shorter headers."
    );
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", message)
}

fn count_of(headers: &HeaderMap) -> usize {
    // Count cookies only if the request has too many headers.
    if headers.len() <= HEADERS_MAX {
        return headers.len();
    }
    headers.len() - headers.get_all(header::COOKIE).iter().count()
}

/// Returns the length of the headers in HTTP/1.1, with a line per header.
fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}
