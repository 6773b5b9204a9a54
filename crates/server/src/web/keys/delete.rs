//! `…/settings/api-keys/{id}/delete`: deletes a key after a confirmation.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::base;
use super::chosen::{Chosen, Living};
use crate::app::{App, Shared};
use crate::ops::{Invalid, OpError};
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::form::{Form, field};
use crate::web::frame::{self, show};
use crate::web::person::Member;
use crate::web::view::{DeleteKey, Here, Notice, Tone};
use crate::web::words;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Farewell {
    reason: String,
}

/// Asks for confirmation.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    Living(Chosen { member, key }): Living,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    Ok(page(&app, &member, &headers, &key, &Farewell::default(), None)?)
}

fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    form: &Farewell,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        DeleteKey {
            frame: frame::of_member(app, member, Here::ApiKeys, headers),
            base: base(member),
            id: key.id.to_string(),
            key_name: key.name.clone(),
            masked: words::masked_key(&app.config.brands, key),
            last_use: words::last_use(key, app.now()),
            reason: field(&form.reason, invalid, "reason"),
        }
    )
}

/// Deletes the key, and shows which nodes have confirmed the deletion.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    Chosen { member, key }: Chosen,
    headers: HeaderMap,
    Form(form): Form<Farewell>,
) -> Result<Response, PageError> {
    match app.keys.delete(&member.acting, key.id, &form.reason).await {
        Ok((key, propagation)) => {
            let tone = if propagation.unconfirmed.is_empty() { Tone::Good } else { Tone::Warning };
            let text = format!("{} was deleted.", key.name);
            let notice = Notice { tone, text, detail: words::arrived(&propagation, app.now()) };
            Ok(flash::redirect(&app, &base(&member), &notice))
        }
        Err(OpError::Gone) => {
            let notice = Notice {
                tone: Tone::Good,
                text: "That key was deleted already.".to_owned(),
                detail: String::new(),
            };
            Ok(flash::redirect(&app, &base(&member), &notice))
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &headers, &key, &form, Some(&invalid))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
