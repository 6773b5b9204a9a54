//! `…/settings/api-keys/{id}/rotate`: replaces the secret of a key. The old secret works until the end
//! of a grace period.

mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::keys::IssuedKey;
use keyrack_core::times::span;
use keyrack_core::{Invalid, OpError};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::requested::{EditableKey, RequestedKey};
use super::{base, nonce, reveal, sent_nonce};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use view::RotateKeyPage;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RotateKeyForm {
    overlap: String,
    nonce: String,
}

/// Shows the form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let form = RotateKeyForm { nonce: nonce()?, ..RotateKeyForm::default() };
    Ok(page(&app, &member, &headers, &key, &form, None)?)
}

fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    form: &RotateKeyForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        RotateKeyPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            id: key.id.to_string(),
            key_name: key.name.clone(),
            masked: text::masked_key(&app.config.brands, key),
            nonce: form.nonce.clone(),
            overlap: field(&form.overlap, invalid, "gracePeriod"),
            retiring: text::retiring(key, app.now()).map(|(secret, _)| format!("…{}", secret.hint)),
        }
    )
}

/// Rotates the key. This response is the only one that contains the new secret.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    parts: Parts,
    FormBody(form): FormBody<RotateKeyForm>,
) -> Result<Response, PageError> {
    match rotate(&app, &member, &key, &form).await {
        Ok(rotated) => {
            let old = match text::retiring(&rotated.key, app.now()) {
                Some((_, at)) => format!("works until {}", text::date_and_time(at)),
                None => "no longer works".to_owned(),
            };
            Ok(reveal::page(&app, &member, &parts, &rotated, Some(old), None)?)
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &parts.headers, &key, &form, Some(&invalid))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(OpError::Repeated { key }) => {
            Ok(reveal::already_shown(&app, &member, &parts.headers, key).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn rotate(
    app: &App,
    member: &Member,
    key: &KeyRow,
    form: &RotateKeyForm,
) -> Result<IssuedKey, OpError> {
    let overlap =
        span(&form.overlap).map_err(|_| Invalid::field("gracePeriod", "Choose one of the options."))?;
    app.keys.rotate(&member.acting, key.id, overlap, sent_nonce(&form.nonce)?).await
}
