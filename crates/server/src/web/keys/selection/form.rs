//! The form in which users select keys.

use axum::extract::{FromRequest, RawForm, Request};
use http::StatusCode;
use keyrack_core::keys::selection::SELECTED_MAX;
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_guard::Problem;
use keyrack_key::KeyId;

use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::form::{unread, verify};

/// The fields of the form. The field `key` may occur many times.
#[derive(Debug, Default)]
pub struct SelectedKeysForm {
    /// The selected keys, each once. At most [`SELECTED_MAX`].
    pub(super) keys: Vec<KeyId>,
    action: String,
    /// A span such as `10m`, or `resumed`.
    pub(super) span: String,
    pub(super) reason: String,
    /// Whether the user has seen the confirmation page.
    pub(super) confirmed: bool,
    pub(super) back: String,
}

/// A change of the selected keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SelectionAction {
    Pause,
    Delete,
}

impl SelectedKeysForm {
    /// The change. `None` if the form names another one.
    pub(super) fn action(&self) -> Option<SelectionAction> {
        match self.action.as_str() {
            "pause" => Some(SelectionAction::Pause),
            "delete" => Some(SelectionAction::Delete),
            _ => None,
        }
    }
}

impl SelectionAction {
    /// What has happened to a key, such as "paused".
    pub(super) const fn past(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Delete => "deleted",
        }
    }
}

impl FromRequest<Shared> for SelectedKeysForm {
    type Rejection = PageError;

    /// Reads the body of a POST request, or the query of a GET request.
    async fn from_request(request: Request, app: &Shared) -> Result<Self, PageError> {
        let sender = request.extensions().get::<AuthorizedCaller>().cloned();
        let RawForm(bytes) = RawForm::from_request(request, app).await.map_err(unread)?;
        verify(sender, app).await?;
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(&bytes) {
            match &*name {
                "key" => {
                    let id = value.parse().map_err(|_| OpError::NotFound("key"))?;
                    if !form.keys.contains(&id) {
                        form.keys.push(id);
                    }
                }
                "do" => form.action = value.into_owned(),
                "for" => form.span = value.into_owned(),
                "reason" => form.reason = value.into_owned(),
                "confirmed" => form.confirmed = value == "yes",
                "back" => form.back = value.into_owned(),
                _ => {}
            }
        }
        if form.keys.len() > SELECTED_MAX {
            let message = format!("Select {SELECTED_MAX} keys or fewer. Nothing was changed.");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_keys", message).into());
        }
        Ok(form)
    }
}
