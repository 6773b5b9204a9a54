//! Answers whose words are written further out, where the request is known: by the API as JSON, by the pages as a page.

use axum::response::{IntoResponse, Response};
use keyrack_guard::Problem;

/// An answer that [`finish`] will write.
pub fn carrying(problem: Problem) -> Response {
    let mut response = problem.status().into_response();
    response.extensions_mut().insert(problem);
    response
}
