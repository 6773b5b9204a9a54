//! `…/settings/api-keys/{id}/delete`: deletes a key after a confirmation.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::{Invalid, OpError};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::confirm::{self, ConfirmQuestion, Confirmation, KeyAction};
use super::requested::{EditableKey, RequestedKey};
use super::{base, change_message};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{FlashMessage, flash};
use crate::web::person::Member;
use crate::web::text;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeleteKeyForm {
    reason: String,
}

/// Shows the confirmation form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(page(&app, &member, &headers, &key, &DeleteKeyForm::default(), None).await?)
}

async fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    form: &DeleteKeyForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    let confirmation = Confirmation {
        action: KeyAction::Delete,
        warning: None,
        hidden: Vec::new(),
        question: ConfirmQuestion::Reason(field(&form.reason, invalid, "reason")),
    };
    confirm::page(app, member, headers, key, confirmation).await
}

/// Deletes the key, and shows which nodes have confirmed the deletion.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedKey { member, key }: RequestedKey,
    headers: HeaderMap,
    FormBody(form): FormBody<DeleteKeyForm>,
) -> Result<Response, PageError> {
    match app.keys.delete(&member.acting, key.id, &form.reason).await {
        Ok((key, propagation)) => {
            let text = format!("{} deleted.", key.name);
            let notice = change_message(text, &propagation, text::removal_status(&propagation, app.now()));
            Ok(flash::redirect(&app, &base(&member), &notice))
        }
        Err(OpError::KeyDeleted) => {
            let notice = FlashMessage::good("That key was deleted already.");
            Ok(flash::redirect(&app, &base(&member), &notice))
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &headers, &key, &form, Some(&invalid)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
