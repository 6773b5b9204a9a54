//! How the API says no. Every error becomes one problem, written in one place.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use keyrack_guard::{Problem, limits};

use crate::edge::problem::answering;
use crate::edge::request_id;
use crate::ops::{Invalid, OpError};

/// The error side of every handler.
#[derive(Debug)]
pub struct ApiError(pub OpError);

impl<E: Into<OpError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl ApiError {
    /// One field is not as expected.
    pub fn field(field: &'static str, expected: impl Into<String>) -> Self {
        Invalid::field(field, expected).into()
    }
}

/// Only carries the problem; [`finish`] writes it, because it knows the request.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        answering(&self.0, self.0.problem())
    }
}

/// Writes the problems that handlers answered with, and those that the framework answers with an empty body.
pub async fn finish(request: Request, next: Next) -> Response {
    let id = request.headers().get(request_id::HEADER).cloned();
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| of_framework(&response));
    let Some(problem) = problem else { return response };
    let mut written: Response = problem.into_response(id.as_ref().and_then(|id| id.to_str().ok()));
    keep_headers(response.headers(), written.headers_mut());
    written
}

fn of_framework(response: &Response) -> Option<Problem> {
    if response.headers().contains_key(header::CONTENT_TYPE)
        && response.headers()[header::CONTENT_TYPE] != "text/plain; charset=utf-8"
    {
        return None;
    }
    let status = response.status();
    let (code, message) = match status {
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this path knows other methods; see Allow"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is larger than this path takes"),
        StatusCode::SERVICE_UNAVAILABLE => ("too_slow", "this took too long on our side; try again"),
        StatusCode::BAD_REQUEST => ("bad_request", "the request could not be read"),
        StatusCode::INTERNAL_SERVER_ERROR => {
            ("internal", "something went wrong on our side; the log has it under the request id")
        }
        _ => return None,
    };
    Some(Problem::new(status, code, message))
}

/// What the framework and the guard say whatever the problem is.
fn keep_headers(said: &HeaderMap, written: &mut HeaderMap) {
    if let Some(allow) = said.get(header::ALLOW) {
        written.insert(header::ALLOW, allow.clone());
    }
    for name in [limits::POLICY, limits::LIMIT] {
        if let Some(items) = said.get(&name).and_then(|items| items.to_str().ok()) {
            limits::join(written, name, items);
        }
    }
}

/// Where there is no such path.
pub async fn no_such_path() -> ApiError {
    OpError::NotFound("path; the paths are listed at /docs").into()
}
