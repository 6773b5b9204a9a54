//! `…/models/{id}/rename`: changes the name of a model.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::{Invalid, OpError};
use serde::Deserialize;

use super::requested::RequestedModel;
use super::url;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use view::RenameModelPage;

/// The field of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RenameModelForm {
    name: String,
}

/// Shows the form with the current name.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    chosen: RequestedModel,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let form = RenameModelForm { name: chosen.model.name.clone() };
    Ok(page(&app, &chosen, &headers, &form, None)?)
}

fn page(
    app: &App,
    RequestedModel { member, model, .. }: &RequestedModel,
    headers: &HeaderMap,
    form: &RenameModelForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        RenameModelPage {
            frame: frame::of_member(app, member, NavItem::Models, headers),
            url: url(member, model.id),
            model_name: model.name.clone(),
            name: field(&form.name, invalid, "name"),
        }
    )
}

/// Saves the name.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    chosen: RequestedModel,
    headers: HeaderMap,
    FormBody(form): FormBody<RenameModelForm>,
) -> Result<Response, PageError> {
    let RequestedModel { member, model, .. } = &chosen;
    let invalid = match app.models.rename(&member.acting, model.id, &form.name).await {
        Ok(renamed) => {
            let notice = FlashMessage::good(format!("{} renamed to {}.", model.name, renamed.name));
            return Ok(flash::redirect(&app, &url(member, model.id), &notice));
        }
        Err(OpError::Invalid(invalid)) => invalid,
        Err(taken @ OpError::NameTaken(_)) => Invalid::field("name", taken.to_string()),
        Err(error) => return Err(error.into()),
    };
    let again = page(&app, &chosen, &headers, &form, Some(&invalid))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}
