//! Parsing of HTML forms. A missing field counts as empty, so that the handler reports an error next to the field.

mod field;

use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use http::StatusCode;
use keyrack_core::{AuthorizedCaller, Invalid, OpError};
use keyrack_guard::Problem;
use serde::de::DeserializeOwned;
use std::error::Error;

use super::error::PageError;
use crate::api::is_timeout;
use crate::app::{App, Shared};

pub(in crate::web) use field::Field;

/// Extracts the fields of a form.
#[derive(Clone, Debug)]
pub(super) struct FormBody<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequest<Shared> for FormBody<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, PageError> {
        let sender = request.extensions().get::<AuthorizedCaller>().cloned();
        let form = axum::extract::Form::<T>::from_request(request, app).await.map_err(unread)?;
        verify(sender, app).await?;
        Ok(Self(form.0))
    }
}

/// Verifies again who sent a form, if somebody is signed in: it may have been held back.
pub(super) async fn verify(sender: Option<AuthorizedCaller>, app: &App) -> Result<(), OpError> {
    match sender {
        Some(by) => by.verify(&app.store, app.now()).await,
        None => Ok(()),
    }
}

/// The error for a form that could not be read.
pub(super) fn unread(rejection: impl Error + IntoResponse + 'static) -> PageError {
    if is_timeout(&rejection) {
        let message = "The form didn't arrive in time. Try again.";
        return Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", message).into();
    }
    // The text of the rejection could repeat what the user entered.
    let problem = match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The form is larger than 64 KiB. Shorten the texts.",
        ),
        status => {
            Problem::new(status, "bad_form", "We couldn't read this form. Reload the page and try again.")
        }
    };
    problem.into()
}

/// A field for the page, with what the user entered and the error for `name`, if there is one.
pub(super) fn field(value: &str, invalid: Option<&Invalid>, name: &str) -> Field {
    Field {
        value: value.to_owned(),
        error: invalid.and_then(|invalid| invalid.of(name)).map(|error| sentence(&error)),
    }
}

/// Formats an error message as a sentence: a capital letter first, a period last.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
