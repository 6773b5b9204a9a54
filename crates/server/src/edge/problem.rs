//! Answers whose words are written further out, where the request is known: by the API as JSON, by the pages as a page.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use keyrack_guard::{Problem, limits};
use keyrack_store::Actor;

use crate::ops::OpError;
use crate::shares::Claimant;

/// An answer that [`finish`] will write.
pub fn carrying(problem: Problem) -> Response {
    let mut response = problem.status().into_response();
    response.extensions_mut().insert(problem);
    response
}

/// The same for what went wrong, with `problem` to say so. Where a key was refused, whoever counts or keeps that finds it.
pub fn answering(error: &OpError, problem: Problem) -> Response {
    let mut response = carrying(problem);
    match error {
        OpError::Refused(refused) => {
            response.extensions_mut().insert(refused.refusal.clone());
            response.extensions_mut().extend(refused.saw());
        }
        OpError::OutsideKey { key, workspace } | OpError::OutsideModels { key, workspace } => {
            response.extensions_mut().insert(Claimant::new(*workspace, Actor::Key(*key)));
        }
        _ => {}
    }
    response
}

/// Writes the problems that handlers answered with, and those that the framework answers with an empty body.
/// `id` is that of the request.
pub fn finish(mut response: Response, id: Option<&str>) -> Response {
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| of_framework(&response));
    let Some(problem) = problem else { return response };
    let mut written: Response = problem.into_response(id);
    keep_headers(response.headers(), written.headers_mut());
    // What was noted about the answer is still true of it.
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
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this path knows other methods; see Allow"),
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("too_large", "The request body is too large for this path. Send less at once.")
        }
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
