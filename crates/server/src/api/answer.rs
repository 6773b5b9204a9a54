//! How the API says no. Every error becomes one problem.

use axum::response::{IntoResponse, Response};

use crate::edge::problem::answering;
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

/// Only carries the problem; [`finish`](crate::edge::problem::finish) writes it, because it knows the request.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        answering(&self.0, self.0.problem())
    }
}

/// Where there is no such path.
pub async fn no_such_path() -> ApiError {
    OpError::NotFound("path; the paths are listed at /docs").into()
}
