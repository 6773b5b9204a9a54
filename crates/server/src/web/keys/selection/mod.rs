//! `POST …/settings/api-keys/selected`: pauses or deletes the selected keys after a confirmation.

pub(in crate::web) mod export;

mod form;
mod view;

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::keys::Propagation;
use keyrack_core::keys::selection::{KeyDependents, KeyOutcome};
use keyrack_core::numbers::{counted, grouped};
use keyrack_core::{Invalid, OpError};

use super::{base, change_message, pause};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{field, sentence};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use crate::web::{return_path, text};
use form::{SelectedKeysForm, SelectionAction};
use view::{ConfirmSelectionPage, SelectedKeyRow, SelectionResultPage, UnchangedKey};

/// The period whose requests show what depends on a key, in days.
const DAYS: u32 = 7;
/// The callers of each key that the page names.
const CALLERS: u32 = 3;

/// Shows the confirmation form. A confirmed form changes each key.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
    form: SelectedKeysForm,
) -> Result<Response, PageError> {
    let back = list_url(&member, &form);
    if form.keys.is_empty() {
        return Ok(none_selected(&app, &back));
    }
    let action =
        form.action().ok_or_else(|| OpError::from(Invalid::field("do", "Choose pause or delete.")))?;
    if !form.confirmed {
        return Ok(confirm(&app, &member, &headers, action, &form, None).await?);
    }
    let changed = match action {
        SelectionAction::Delete => app.keys.delete_selected(&member.acting, &form.keys, &form.reason).await,
        SelectionAction::Pause => match pause::chosen_span(&form.span) {
            Ok(span) => app.keys.pause_selected(&member.acting, &form.keys, span).await,
            Err(invalid) => Err(invalid.into()),
        },
    };
    match changed {
        Ok(outcomes) => Ok(result(&app, &member, &headers, action, &outcomes, back)?),
        Err(OpError::Invalid(invalid)) => {
            let again = confirm(&app, &member, &headers, action, &form, Some(&invalid)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The list of keys that the user came from.
fn list_url(member: &Member, form: &SelectedKeysForm) -> String {
    let base = base(member);
    return_path::page_below(&base, &form.back).unwrap_or(base)
}

fn none_selected(app: &App, back: &str) -> Response {
    flash::redirect(app, back, &FlashMessage::warning("Select at least one key."))
}

async fn confirm(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    action: SelectionAction,
    form: &SelectedKeysForm,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    let selected = app.keys.dependents(&member.acting, &form.keys, DAYS, CALLERS).await?;
    show!(
        app,
        ConfirmSelectionPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            action,
            what: counted(selected.len() as u64, "key"),
            keys: selected.iter().map(|one| row(app, one)).collect(),
            back: list_url(member, form),
            reason: field(&form.reason, invalid, "reason"),
            span: pause::span_choice(&form.span, invalid),
        }
    )
}

fn row(app: &App, of: &KeyDependents) -> SelectedKeyRow {
    SelectedKeyRow {
        id: of.key.id.to_string(),
        name: of.key.name.clone(),
        masked: text::masked_key(&app.config.brands, &of.key),
        paused: text::paused(&of.key, app.now()),
        breaks: of.allowed > 0 && of.key.deletion.is_none(),
        effect: effect(of),
    }
}

/// What the change breaks, such as "Will break: 203.0.113.7, camera/3; and 2 more callers. 1,204 requests in 7 days."
fn effect(of: &KeyDependents) -> String {
    if of.key.deletion.is_some() {
        return "Deleted already.".to_owned();
    }
    if of.allowed == 0 {
        let requests = if of.denied > 0 { "Only denied requests" } else { "No requests" };
        return format!("{requests} in {DAYS} days.");
    }
    let named = of.callers.iter().map(text::caller).collect::<Vec<_>>().join("; ");
    let callers = match of.caller_count.saturating_sub(of.callers.len() as u64) {
        // Callers are recorded only while there is space for them.
        _ if named.is_empty() => "callers that weren't recorded".to_owned(),
        0 => named,
        more => {
            format!("{named}; and {} more {}", grouped(more), if more == 1 { "caller" } else { "callers" })
        }
    };
    format!("Will break: {callers}. {} in {DAYS} days.", counted(of.allowed, "request"))
}

/// Returns to the list if every key was changed. Otherwise shows the keys that weren't, each with the reason.
fn result(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    action: SelectionAction,
    outcomes: &[KeyOutcome],
    back: String,
) -> Result<Response, OpError> {
    let (past, now) = (action.past(), app.now());
    let together = together(outcomes);
    let detail = together.as_ref().map(|all| text::removal_status_of_keys(all, now)).unwrap_or_default();
    let unchanged: Vec<_> = outcomes.iter().filter_map(unchanged).collect();
    let all = counted(outcomes.len() as u64, "key");
    match together {
        Some(propagation) if unchanged.is_empty() => {
            let notice = change_message(format!("{all} {past}."), &propagation, detail);
            Ok(flash::redirect(app, &back, &notice))
        }
        _ => show!(
            app,
            SelectionResultPage {
                frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
                title: format!("{} of {all} {past}", outcomes.len() - unchanged.len()),
                detail,
                unchanged,
                back,
            }
        ),
    }
}

/// The propagation of all changes as one. `None` if no key was changed.
fn together(outcomes: &[KeyOutcome]) -> Option<Propagation> {
    let mut all = outcomes.iter().filter_map(|one| one.outcome.as_ref().ok());
    let mut together = all.next()?.clone();
    for one in all {
        together.nodes = together.nodes.max(one.nodes);
        together.took = Duration::max(together.took, one.took);
        for pending in &one.unconfirmed {
            match together.unconfirmed.iter_mut().find(|known| known.id == pending.id) {
                Some(known) => known.until = known.until.max(pending.until),
                None => together.unconfirmed.push(pending.clone()),
            }
        }
    }
    Some(together)
}

fn unchanged(of: &KeyOutcome) -> Option<UnchangedKey> {
    let why = match of.outcome.as_ref().err()? {
        OpError::KeyDeleted => "This key was deleted already.".to_owned(),
        OpError::Internal(cause) => {
            tracing::error!(key = %of.key.id, error = cause, "a selected key could not be changed");
            "Something went wrong on our side. Try again.".to_owned()
        }
        OpError::Invalid(invalid) => {
            invalid.fields().map(|(_, message)| sentence(message)).collect::<Vec<_>>().join(" ")
        }
        error => sentence(&error.to_string()),
    };
    Some(UnchangedKey { name: of.key.name.clone(), why })
}
