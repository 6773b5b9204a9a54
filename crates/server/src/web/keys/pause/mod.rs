//! `…/settings/api-keys/{id}/pause` and `…/resume`: deny the requests of a key for some time, and end the pause.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::times::span;
use keyrack_core::{Invalid, OpError};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::confirm::{self, ConfirmChoice, ConfirmOption, ConfirmQuestion, Confirmation, KeyAction};
use super::requested::{EditableKey, RequestedKey};
use super::{base, change_message};
use crate::api::Params;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::flash;
use crate::web::person::Member;
use crate::web::text;

const SPANS: &[ConfirmOption] = &[
    ConfirmOption { value: "10m", title: "10 minutes", text: "Resumes automatically." },
    ConfirmOption {
        value: "resumed",
        title: "Until you resume it",
        text: "Stays paused until someone resumes it.",
    },
];

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PauseKeyForm {
    /// A span such as `10m`, or `resumed` to pause the key until it is resumed.
    r#for: String,
    /// `list` if the user opened the form from the list of keys, and returns there.
    from: String,
}

/// Shows the form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    Params(form): Params<PauseKeyForm>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(page(&app, &member, &headers, &key, &form, None).await?)
}

async fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    form: &PauseKeyForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    let already = |paused: text::PauseSummary| {
        format!("Already paused {}. This replaces the current pause.", paused.until)
    };
    let confirmation = Confirmation {
        action: KeyAction::Pause,
        warning: text::paused(key, app.now()).map(already),
        hidden: vec![("from", form.from.clone())],
        question: ConfirmQuestion::Choice(span_choice(&form.r#for, invalid)),
    };
    confirm::page(app, member, headers, key, confirmation).await
}

/// Pauses the key, and returns to the list or to the page of the key, which shows the requests that are denied.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
    FormBody(form): FormBody<PauseKeyForm>,
) -> Result<Response, PageError> {
    if key.has_expired(app.now()) {
        let again = page(&app, &member, &headers, &key, &form, None).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response());
    }
    let paused = match chosen_span(&form.r#for) {
        Ok(span) => app.keys.pause(&member.acting, key.id, span).await,
        Err(invalid) => Err(invalid.into()),
    };
    match paused {
        Ok((key, propagation)) => {
            let text = format!("{} is paused.", key.name);
            let notice = change_message(text, &propagation, text::removal_status(&propagation, app.now()));
            let notice = notice.with_undo(format!("{}/resume", url(&member, &key)));
            Ok(flash::redirect(&app, &return_url(&member, &key, &form), &notice))
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &headers, &key, &form, Some(&invalid)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The choice of the duration of a pause.
pub(super) fn span_choice(span: &str, invalid: Option<&Invalid>) -> ConfirmChoice {
    ConfirmChoice {
        name: "for",
        legend: "Duration",
        field: field(span, invalid, "duration"),
        options: SPANS,
        usual: "10m",
    }
}

/// Parses the form field `for`. `None` pauses the key until it is resumed.
pub(super) fn chosen_span(text: &str) -> Result<Option<Duration>, Invalid> {
    match text {
        "resumed" => Ok(None),
        text => span(text).map(Some).map_err(|_| Invalid::field("duration", "Choose one of the options.")),
    }
}

/// Resumes the key.
pub(in crate::web) async fn resume(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    FormBody(form): FormBody<PauseKeyForm>,
) -> Result<Response, PageError> {
    let (key, propagation) = app.keys.resume(&member.acting, key.id).await?;
    let text = format!("{} works again.", key.name);
    let notice = change_message(text, &propagation, text::change_status(&propagation));
    Ok(flash::redirect(&app, &return_url(&member, &key, &form), &notice))
}

fn return_url(member: &Member, key: &KeyRow, form: &PauseKeyForm) -> String {
    if form.from == "list" { base(member) } else { url(member, key) }
}

fn url(member: &Member, key: &KeyRow) -> String {
    format!("{}/{}", base(member), key.id)
}
