//! Problems in the extensions of a response. Outer layers know the request and write the problem, as JSON in the API and as
//! a page otherwise.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{Extensions, HeaderMap, StatusCode, header};
use keyrack_core::OpError;
use keyrack_core::shares::Claimant;
use keyrack_guard::{Guard, Problem, limits};
use keyrack_store::Actor;

use super::denials::DeniedCaller;
use super::problems;

/// The error of an operation, in the extensions of a response. [`resolve`] converts the error to a problem.
#[derive(Clone, Debug)]
struct UnresolvedError(Arc<OpError>);

/// Returns a response whose problem [`finish`] will write.
pub fn carrying(problem: Problem) -> Response {
    let mut response = problem.status().into_response();
    response.extensions_mut().insert(problem);
    response
}

/// Returns a response that [`resolve`] and [`finish`] will complete. Logs the cause of an internal error.
pub fn carrying_error(error: OpError) -> Response {
    log_cause(&error);
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(UnresolvedError(Arc::new(error)));
    response
}

/// Logs the cause of an internal error, because the response does not name the cause.
pub fn log_cause(error: &OpError) {
    if let OpError::Internal(cause) = error {
        tracing::error!(error = %cause, cause = ?cause.source(), "request failed");
    }
}

/// Removes the problem from a response. Returns `None` if the response has no problem.
pub fn take(response: &mut Response, guard: &Guard) -> Option<Problem> {
    let extensions = response.extensions_mut();
    match extensions.remove::<UnresolvedError>() {
        Some(UnresolvedError(error)) => Some(problems::of(&error, guard)),
        None => extensions.remove::<Problem>(),
    }
}

/// Replaces the operation's error in a response with its problem. Keeps the headers of the response.
pub fn resolve(mut response: Response, guard: &Guard) -> Response {
    let unresolved = response.extensions_mut().remove::<UnresolvedError>();
    if let Some(UnresolvedError(error)) = unresolved {
        let problem = problems::of(&error, guard);
        *response.status_mut() = problem.status();
        note(&error, problem, response.extensions_mut());
    }
    response
}

/// Returns a response with the `problem` of `error`.
pub fn answering(error: &OpError, problem: Problem) -> Response {
    let mut response = problem.status().into_response();
    note(error, problem, response.extensions_mut());
    response
}

/// Stores the problem for [`finish`], and a denied key for the code that counts and keeps denials.
fn note(error: &OpError, problem: Problem, extensions: &mut Extensions) {
    match error {
        OpError::Denied(denied) => {
            extensions.insert(denied.check.clone());
        }
        OpError::OutsideKey { key, workspace } | OpError::OutsideModels { key, workspace } => {
            let claimant = Claimant::new(*workspace, Actor::Key(*key));
            extensions.insert(DeniedCaller { claimant, key: *key, code: problem.code() });
        }
        _ => {}
    }
    extensions.insert(problem);
}

/// Writes the body of the response if the response has a problem, or if the framework created an error response. `id` is
/// the request's id.
pub fn finish(mut response: Response, id: Option<&str>) -> Response {
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| of_framework(&response));
    let Some(problem) = problem else { return response };
    let mut written: Response = problem.into_response(id);
    keep_headers(response.headers(), written.headers_mut());
    // The extensions also describe the written response.
    *written.extensions_mut() = std::mem::take(response.extensions_mut());
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
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "Method not allowed. See the Allow header."),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The request body is too large. Send a smaller body."),
        StatusCode::SERVICE_UNAVAILABLE => ("too_slow", "The request timed out on our side. Try again."),
        StatusCode::BAD_REQUEST => {
            ("bad_request", "The request can't be read. Correct it and send it again.")
        }
        StatusCode::INTERNAL_SERVER_ERROR => (
            "internal",
            "Something went wrong on our side. Try again, or contact support with the request \
                 ID.",
        ),
        _ => return None,
    };
    Some(Problem::new(status, code, message))
}

/// Copies the headers of the framework and the guard that are independent of the problem.
fn keep_headers(said: &HeaderMap, written: &mut HeaderMap) {
    if let Some(allow) = said.get(header::ALLOW) {
        written.insert(header::ALLOW, allow.clone());
    }
    for name in [limits::RATELIMIT_POLICY, limits::RATELIMIT] {
        if let Some(items) = said.get(&name).and_then(|items| items.to_str().ok()) {
            limits::append_items(written, name, items);
        }
    }
}
