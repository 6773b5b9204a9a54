//! `…/settings/api-keys/{id}/note`: changes the note of a key.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::keys::KeyPatch;
use keyrack_core::{Invalid, OpError};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::base;
use super::requested::{EditableKey, RequestedKey};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use view::KeyNotePage;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyNoteForm {
    note: String,
}

/// Shows the form with the current note.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let note = key.note.clone().unwrap_or_default();
    Ok(page(&app, &member, &headers, &key, &note, None)?)
}

fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    note: &str,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        KeyNotePage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            id: key.id.to_string(),
            key_name: key.name.clone(),
            note: field(note, invalid, "note"),
        }
    )
}

/// Saves the note, or shows the form again with the error.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
    FormBody(form): FormBody<KeyNoteForm>,
) -> Result<Response, PageError> {
    let patch = KeyPatch { note: Some(form.note.clone()), ..KeyPatch::default() };
    match app.keys.edit(&member.acting, key.id, patch, None).await {
        Ok(_) => {
            let url = format!("{}/{}", base(&member), key.id);
            Ok(flash::redirect(&app, &url, &FlashMessage::good("Note saved.")))
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &headers, &key, &form.note, Some(&invalid))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
