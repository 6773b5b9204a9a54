//! `…/settings/general`: the name of the workspace and its policy for keys, as a form, and the keys that do not meet the
//! policy.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::settings::{NoncompliantKeys, NoncompliantPage, SettingsPatch, WorkspaceSettings};
use keyrack_core::{Invalid, OpError};
use keyrack_store::Policy;
use serde::Deserialize;

use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{FormBody, field};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use crate::web::text;
use view::{GeneralPage, PolicyViolation, PolicyViolations, Settings, SettingsFields, SettingsTexts};

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GeneralForm {
    name: String,
    longest_life: String,
    rotation_age: String,
}

/// Shows the settings.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let stored = app.settings.read(&member.acting).await?;
    let settings = if member.manages_keys() {
        Settings::Form(fields(&GeneralForm::of(&stored), None))
    } else {
        Settings::Text(texts(&stored))
    };
    Ok(respond(&app, &member, &headers, stored, settings).await?)
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
            let stored = app.settings.read(&member.acting).await?;
            let settings = Settings::Form(fields(&form, Some(&invalid)));
            let again = respond(&app, &member, &headers, stored, settings).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn respond(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    stored: WorkspaceSettings,
    settings: Settings,
) -> Result<Response, OpError> {
    let noncompliant = app.settings.noncompliant_keys(&member.acting, stored.policy).await?;
    show!(
        app,
        GeneralPage {
            frame: frame::of_member(app, member, NavItem::General, headers),
            base: base(member),
            slug: stored.workspace.slug,
            created: text::moment(stored.workspace.created_at, app.now()),
            settings,
            violations: violations(noncompliant, stored.policy, member),
        }
    )
}

/// The path of the page.
fn base(member: &Member) -> String {
    member.path("/settings/general")
}

impl GeneralForm {
    fn of(stored: &WorkspaceSettings) -> Self {
        let days = |days: Option<u32>| days.map(|days| days.to_string()).unwrap_or_default();
        Self {
            name: stored.workspace.name.clone(),
            longest_life: days(stored.policy.longest_life),
            rotation_age: days(stored.policy.rotation_age),
        }
    }
}

fn fields(form: &GeneralForm, invalid: Option<&Invalid>) -> SettingsFields {
    SettingsFields {
        name: field(&form.name, invalid, "name"),
        longest_life: field(&form.longest_life, invalid, "maxKeyLifetimeDays"),
        rotation_age: field(&form.rotation_age, invalid, "rotateAfterDays"),
    }
}

fn texts(stored: &WorkspaceSettings) -> SettingsTexts {
    let days = |days: Option<u32>| days.map(|days| text::count(days.into(), "day"));
    SettingsTexts {
        name: stored.workspace.name.clone(),
        longest_life: days(stored.policy.longest_life),
        rotation_age: days(stored.policy.rotation_age),
    }
}

/// A number of days. `None` (no limit) if the field is empty; 0, which is always out of range, if the
/// text is no number.
fn days(typed: &str) -> Option<u64> {
    let typed = typed.trim();
    (!typed.is_empty()).then(|| typed.parse().unwrap_or(0))
}

fn violations(noncompliant: NoncompliantKeys, policy: Policy, member: &Member) -> Vec<PolicyViolations> {
    let list = |found: Option<NoncompliantPage>, text: String| {
        let found = found.filter(|found| !found.items.is_empty())?;
        let keys = found.items.into_iter().map(|(id, name)| PolicyViolation {
            name,
            url: member.path(&format!("/settings/api-keys/{id}")),
        });
        Some(PolicyViolations { text, keys: keys.collect(), has_more: found.next.is_some() })
    };
    let days = |days: Option<u32>| text::count(days.unwrap_or_default().into(), "day");
    let late_expiry = format!(
        "These keys expire later than the policy allows ({}). Edit each one to set an earlier expiration.",
        days(policy.longest_life)
    );
    let old_secret = format!(
        "These keys haven't been rotated in {}. Rotate them when convenient.",
        days(policy.rotation_age)
    );
    [list(noncompliant.late_expiry, late_expiry), list(noncompliant.old_secret, old_secret)]
        .into_iter()
        .flatten()
        .collect()
}
