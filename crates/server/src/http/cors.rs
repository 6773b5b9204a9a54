//! The API responds to pages of every origin (the fetch standard, section 3.2): the key alone decides about access, and the
//! API gives these pages no response based on a cookie.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};

/// Request headers that every page may send. They are also allowed if a preflight names none or too many.
const SENT: &str = "Authorization, X-Api-Key, Content-Type, Idempotency-Key, If-Match";
/// The most bytes of header names that the response to a preflight repeats.
const NAMES_BYTES_MAX: usize = 1024;
/// Response headers that pages may read, in addition to those that the fetch standard always exposes.
const READ: HeaderValue = HeaderValue::from_static(
    "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, ETag, Location, Allow, \
     Content-Disposition, X-Keyrack-Code",
);
/// Request headers that change the response to a preflight, for caches.
const VARY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
/// How long browsers may cache the response to a preflight, in seconds: a day.
const LONG: HeaderValue = HeaderValue::from_static("86400");
/// Must never occur together with `Access-Control-Allow-Credentials`.
const EVERYBODY: HeaderValue = HeaderValue::from_static("*");

/// The default `Cache-Control` of API responses.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Marks responses of a route that pages do not call. A preflight on such a route is denied like any unknown method: a
/// proxy that forwards its client's method would take 204 to mean allowed.
#[derive(Clone, Copy, Debug)]
pub struct NoPreflight;

/// What a request determines about the headers for pages of other origins.
#[derive(Debug)]
pub enum PageAccess {
    /// Not a request to the API: pages of other origins read nothing.
    Denied,
    /// Pages of every origin may read the response.
    Open,
    /// Possibly a preflight, which allows these request headers.
    Preflight(HeaderValue),
}

impl PageAccess {
    pub fn of<B>(request: &Request<B>) -> Self {
        if !request.uri().path().starts_with("/api/") {
            Self::Denied
        } else if *request.method() == Method::OPTIONS {
            Self::Preflight(allowed_headers(request.headers()))
        } else {
            Self::Open
        }
    }

    /// Adds the headers to a response, denials included, and responds to a preflight.
    pub fn apply(self, response: Response) -> Response {
        match self {
            Self::Denied => response,
            Self::Open => open(response),
            Self::Preflight(allowed) => open(before(response, allowed)),
        }
    }
}

/// Lets pages of every origin read a response, and no cache store it unless the response has a rule of its own. Every response of
/// the API has these headers, except for an allowed check of a proxy, which no page can send.
pub fn open(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, EVERYBODY);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
    response
}

/// Responds to a preflight. A preflight carries no key except in the query, and the guard ignores that key. No route is
/// registered for OPTIONS, so the router's response lists the methods of the path.
fn before(response: Response, allowed: HeaderValue) -> Response {
    let methods = response.headers().get(header::ALLOW).cloned();
    let is_preflight = response.status() == StatusCode::METHOD_NOT_ALLOWED
        && response.extensions().get::<NoPreflight>().is_none();
    let Some(methods) = methods.filter(|_| is_preflight) else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NO_CONTENT;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    parts.headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    parts.headers.insert(header::ACCESS_CONTROL_MAX_AGE, LONG);
    parts.headers.append(header::VARY, VARY);
    Response::from_parts(parts, Body::empty())
}

/// Returns the request headers that a page may send: [`SENT`], and those that the preflight requests. Clients add
/// their own headers (`X-Client-Sdk`, `traceparent`). These headers are harmless, because credentials of the browser
/// are never allowed.
fn allowed_headers(preflight: &HeaderMap) -> HeaderValue {
    let requested: Option<Vec<_>> = preflight
        .get_all(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .iter()
        .flat_map(|names| names.as_bytes().split(|byte| *byte == b','))
        .map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    let mut allowed = SENT.to_owned();
    for name in requested.unwrap_or_default() {
        if !SENT.split(", ").any(|sent| sent.eq_ignore_ascii_case(name.as_str())) {
            allowed.push_str(", ");
            allowed.push_str(name.as_str());
        }
    }
    let fits = allowed.len() <= NAMES_BYTES_MAX;
    HeaderValue::try_from(allowed).ok().filter(|_| fits).unwrap_or(HeaderValue::from_static(SENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(requested: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for names in requested {
            headers.append(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_str(names).unwrap());
        }
        allowed_headers(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn requested_headers_are_allowed_if_few_and_valid() {
        let own = allowed(&[]);
        assert_eq!(own, SENT);
        let more = "x-client-sdk,traceparent, sentry-trace";
        assert_eq!(allowed(&[more]), format!("{SENT}, x-client-sdk, traceparent, sentry-trace"));
        assert_eq!(allowed(&["content-type, x-a", "x-b"]), format!("{SENT}, x-a, x-b"));
        for rejected in ["x-a, b c", "x-a: 1", "\"x\"", "x-a,,x-b"] {
            assert_eq!(allowed(&[rejected]), SENT, "{rejected}");
        }
        assert_eq!(allowed(&[&"x-long, ".repeat(200)]), SENT);
    }
}
