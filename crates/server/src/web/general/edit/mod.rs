//! `…/settings/general/edit`: changes the name of the workspace and its policy for keys.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::settings::SettingsPatch;
use keyrack_core::{Invalid, OpError};
use serde::Deserialize;

use super::base;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use view::EditGeneralPage;

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GeneralForm {
    name: String,
    longest_life: String,
    rotation_age: String,
}

/// Shows the form with the current settings.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let set = app.settings.read(&member.acting).await?;
    let days = |days: Option<u32>| days.map(|days| days.to_string()).unwrap_or_default();
    let form = GeneralForm {
        name: set.workspace.name,
        longest_life: days(set.policy.longest_life),
        rotation_age: days(set.policy.rotation_age),
    };
    Ok(page(&app, &member, &headers, &form, None)?)
}

fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    form: &GeneralForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    show!(
        app,
        EditGeneralPage {
            frame: frame::of_member(app, member, NavItem::General, headers),
            base: base(member),
            name: field(&form.name, invalid, "name"),
            longest_life: field(&form.longest_life, invalid, "maxKeyLifetimeDays"),
            rotation_age: field(&form.rotation_age, invalid, "rotateAfterDays"),
        }
    )
}

/// Saves the settings, or shows the form again with the errors.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
    FormBody(form): FormBody<GeneralForm>,
) -> Result<Response, PageError> {
    let patch = SettingsPatch {
        name: Some(form.name.clone()),
        longest_life: Some(days(&form.longest_life)),
        rotation_age: Some(days(&form.rotation_age)),
    };
    match app.settings.edit(&member.acting, patch).await {
        Ok(_) => {
            let notice = FlashMessage::good("Settings saved.");
            Ok(flash::redirect(&app, &base(&member), &notice))
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &headers, &form, Some(&invalid))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// A number of days. `None` (no limit) if the field is empty; 0, which is always out of range, if the
/// text is no number.
fn days(typed: &str) -> Option<u64> {
    let typed = typed.trim();
    (!typed.is_empty()).then(|| typed.parse().unwrap_or(0))
}
