//! The API answers pages of every origin (the fetch standard, section 3.2): what a key opens is decided by the key, and
//! no answer is given for a cookie there.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};

/// What pages may send. Not the header that names a session's workspace.
const SENT: HeaderValue =
    HeaderValue::from_static("Authorization, X-Api-Key, Content-Type, Idempotency-Key, If-Match");
/// What pages may read beyond the few that they may read anyway.
const READ: HeaderValue = HeaderValue::from_static(
    "Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, WWW-Authenticate, Location, ETag",
);
/// How long browsers need not ask again, in seconds: a day.
const LONG: HeaderValue = HeaderValue::from_static("86400");
/// Never together with `Access-Control-Allow-Credentials`.
const EVERYBODY: HeaderValue = HeaderValue::from_static("*");

/// Marks the answers of a route that pages do not call. A preflight there is answered like any method that it does not know:
/// a proxy that passes the method of its client on would take 204 for a yes.
#[derive(Clone, Copy, Debug)]
pub struct NoPreflight;

/// Lets pages of every origin read what the API answers, refusals too, and answers the question that browsers ask before.
pub async fn open_api(request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/v1/") {
        return next.run(request).await;
    }
    let is_asked_before = *request.method() == Method::OPTIONS;
    let response = next.run(request).await;
    open(if is_asked_before { before(response) } else { response })
}

/// Lets pages of every origin read an answer. All have it, but for a yes to a proxy's question, which no page can ask.
pub fn open(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, EVERYBODY);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
    response
}

/// The answer to a preflight. It carries no key but in a query, and no guard looks at that one. No route is registered for
/// OPTIONS, so the router has said what the path answers to instead.
fn before(response: Response) -> Response {
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
    parts.headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    parts.headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
    parts.headers.insert(header::ACCESS_CONTROL_MAX_AGE, LONG);
    Response::from_parts(parts, Body::empty())
}
