//! Answers whose words are written further out, where the request is known: by the API as JSON, by the pages as a page.

use axum::response::{IntoResponse, Response};
use keyrack_guard::Problem;

use crate::ops::OpError;

/// An answer that [`finish`] will write.
pub fn carrying(problem: Problem) -> Response {
    let mut response = problem.status().into_response();
    response.extensions_mut().insert(problem);
    response
}

/// The same for what went wrong, with `problem` to say so. Where a key was refused, whoever counts or keeps that finds it.
pub fn answering(error: &OpError, problem: Problem) -> Response {
    let mut response = carrying(problem);
    if let OpError::Refused(refused) = error {
        response.extensions_mut().insert(refused.refusal.clone());
        response.extensions_mut().extend(refused.saw());
    }
    response
}
