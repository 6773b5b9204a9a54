//! The error of page handlers.

pub mod page;
mod view;

use axum::response::{IntoResponse, Redirect, Response};
use keyrack_core::OpError;

use super::return_path::own_path;
use crate::api::ApiError;

/// The error of a page handler.
#[derive(Debug)]
pub enum PageError {
    /// The request has no valid session. Redirects to the sign-in page, which leads back to `next`.
    SignIn { next: String },
    /// Another page shows the requested content. Redirects to `url`.
    Elsewhere { url: String },
    /// The handler failed. The middleware shows an error page.
    Error(ApiError),
}

impl<E: Into<ApiError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Attaches the problem to the response. The middleware writes the page, because it knows the request.
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { next } => {
                let next: String = form_urlencoded::byte_serialize(own_path(&next).as_bytes()).collect();
                Redirect::to(&format!("/sign-in?next={next}")).into_response()
            }
            // The session ended while the request was handled.
            Self::Error(ApiError::Op(OpError::Anonymous)) => {
                Redirect::to("/sign-in?next=%2F").into_response()
            }
            Self::Elsewhere { url } => Redirect::to(&url).into_response(),
            Self::Error(error) => error.into_response(),
        }
    }
}
