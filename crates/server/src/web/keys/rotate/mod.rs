//! `…/settings/api-keys/{id}/rotate`: replaces the secret of a key. The old secret works until the end
//! of a grace period.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::keys::IssuedKey;
use keyrack_core::times::span;
use keyrack_core::{Invalid, OpError};
use keyrack_key::Timestamp;
use keyrack_store::{KeyRow, SecretRow};
use serde::Deserialize;

use super::confirm::{self, ConfirmChoice, ConfirmOption, ConfirmQuestion, Confirmation, KeyAction};
use super::requested::{EditableKey, RequestedKey};
use super::{nonce, reveal, sent_nonce};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::person::Member;
use crate::web::text;

const GRACE_PERIODS: &[ConfirmOption] = &[
    ConfirmOption {
        value: "0s",
        title: "Revoke immediately",
        text: "Use this if the secret key was leaked.",
    },
    ConfirmOption { value: "1h", title: "1 hour", text: "For an app you can redeploy right away." },
    ConfirmOption { value: "24h", title: "24 hours", text: "Recommended for routine rotation." },
    ConfirmOption { value: "7d", title: "7 days", text: "For devices that are updated slowly." },
];

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
    Ok(page(&app, &member, &headers, &key, &form, None).await?)
}

async fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    form: &RotateKeyForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    let ends = |(secret, _): (&SecretRow, Timestamp)| {
        format!(
            "The previous secret key (…{}) is still in its grace period and will stop working immediately. \
             A key can have two active secrets.",
            secret.hint
        )
    };
    let confirmation = Confirmation {
        action: KeyAction::Rotate,
        warning: text::retiring(key, app.now()).map(ends),
        hidden: vec![("nonce", form.nonce.clone())],
        question: ConfirmQuestion::Choice(ConfirmChoice {
            name: "overlap",
            legend: "Keep the old secret key working for",
            field: field(&form.overlap, invalid, "gracePeriod"),
            options: GRACE_PERIODS,
            usual: "24h",
        }),
    };
    confirm::page(app, member, headers, key, confirmation).await
}

/// Rotates the key. This response is the only one that contains the new secret.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    parts: Parts,
    FormBody(form): FormBody<RotateKeyForm>,
) -> Result<Response, PageError> {
    if key.has_expired(app.now()) {
        let again = page(&app, &member, &parts.headers, &key, &form, None).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
    }
    match rotate(&app, &member, &key, &form).await {
        Ok(rotated) => {
            let old = match text::retiring(&rotated.key, app.now()) {
                Some((_, at)) => format!("works until {}", text::date_and_time(at)),
                None => "no longer works".to_owned(),
            };
            Ok(reveal::page(&app, &member, &parts, &rotated, Some(old), None).await?)
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &parts.headers, &key, &form, Some(&invalid)).await?;
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
