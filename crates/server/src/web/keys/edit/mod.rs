//! `…/settings/api-keys/{id}/edit`: the Edit Scopes dialog, which changes a key.

mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::keys::KeyPatch;
use keyrack_core::{Invalid, OpError};
use keyrack_key::{Grant, Permission, Permissions, Restrictions};
use keyrack_rack::Revision;
use keyrack_store::{KeyRow, Policy};

use super::fields::options::FormContext;
use super::fields::{ExpiryChange, KeyForm};
use super::requested::{EditableKey, RequestedKey};
use super::{base, exposure, what_if};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::FormBody;
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::keys::exposure::ExposureQuestion;
use crate::web::keys::what_if::WhatIfPanel;
use crate::web::person::Member;
use crate::web::text;
use view::{EditKeyPage, PermissionQuestion};

/// Shows the form with the current settings of the key.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let form = KeyForm::of(&key);
    let state = EditState::under(app.settings.policy(&member.acting).await?);
    Ok(page(&app, &member, &headers, &key, &form, state).await?)
}

/// Everything that the page shows besides the form: errors, questions, and the effect of the change.
#[derive(Default)]
struct EditState {
    policy: Policy,
    invalid: Option<Invalid>,
    permission_question: Option<PermissionQuestion>,
    exposure_question: Option<ExposureQuestion>,
    conflict: Option<String>,
    what_if: Option<WhatIfPanel>,
}

impl EditState {
    /// A state with the policy of the workspace and nothing else.
    fn under(policy: Policy) -> Self {
        Self { policy, ..Self::default() }
    }
}

async fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    form: &KeyForm,
    state: EditState,
) -> Result<Response, OpError> {
    let context = FormContext::of(app, member, state.policy, &restrictions(key)).await?;
    show!(
        app,
        EditKeyPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            id: key.id.to_string(),
            key_name: key.name.clone(),
            revision: form.revision.clone(),
            fields: form.fields(app.now(), &context, state.invalid.as_ref(), Some(key)),
            permission_question: state.permission_question,
            exposure_question: state.exposure_question,
            what_if: state.what_if,
            conflict: state.conflict,
        }
    )
}

/// Saves the change, or shows the form again with an error or a question.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
    FormBody(mut form): FormBody<KeyForm>,
) -> Result<Response, PageError> {
    let policy = app.settings.policy(&member.acting).await?;
    if form.check == "on" {
        return Ok(check(&app, &member, &headers, &key, &form, policy).await?);
    }
    let (_, sightings) = app.keys.exposures(&member.acting, key.id).await?;
    let permission_question = unconfirmed_widening(&key, &form);
    // An exposed key needs another confirmation, which covers all that the change permits.
    if let Some(permission_question) = permission_question.filter(|_| sightings.is_empty()) {
        let what_if = preview(&app, &member, &key, &form, policy).await.ok();
        let state =
            EditState { permission_question: Some(permission_question), what_if, ..EditState::under(policy) };
        return Ok(page(&app, &member, &headers, &key, &form, state).await?);
    }
    let (status, state) = match save_confirmed(&app, &member, &key, &form, policy).await {
        Ok((saved, took)) => {
            let notice = FlashMessage::good(format!("{} updated.", saved.name))
                .with_detail(format!("The change applies from the next request ({took})."));
            return Ok(flash::redirect(&app, &base(&member), &notice));
        }
        Err(OpError::Invalid(invalid)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            EditState { invalid: Some(invalid), ..EditState::under(policy) },
        ),
        Err(OpError::Exposed(public)) => {
            let question = exposure::question(&public, app.now());
            (
                StatusCode::CONFLICT,
                EditState { exposure_question: Some(question), ..EditState::under(policy) },
            )
        }
        Err(OpError::Conflict) => {
            form.revision = key.revision.0.to_string();
            let message = "This key was changed by someone else while you were editing. Save again to replace their change with yours.";
            (
                StatusCode::CONFLICT,
                EditState { conflict: Some(message.to_owned()), ..EditState::under(policy) },
            )
        }
        Err(error) => return Err(error.into()),
    };
    Ok((status, page(&app, &member, &headers, &key, &form, state).await?).into_response())
}

/// Shows the effect of the change without saving it.
async fn check(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    key: &KeyRow,
    form: &KeyForm,
    policy: Policy,
) -> Result<Response, OpError> {
    let (status, state) = match preview(app, member, key, form, policy).await {
        Ok(what_if) => (StatusCode::OK, EditState { what_if: Some(what_if), ..EditState::under(policy) }),
        Err(OpError::Invalid(invalid)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            EditState { invalid: Some(invalid), ..EditState::under(policy) },
        ),
        Err(error) => return Err(error),
    };
    Ok((status, page(app, member, headers, key, form, state).await?).into_response())
}

async fn preview(
    app: &App,
    member: &Member,
    key: &KeyRow,
    form: &KeyForm,
    policy: Policy,
) -> Result<WhatIfPanel, OpError> {
    let patch = patch(app, key, form, policy)?;
    let what = app.keys.what_if(&member.acting, key.id, patch, app.window()).await?;
    Ok(what_if::panel(&what))
}

/// The change that the form describes.
fn patch(app: &App, key: &KeyRow, form: &KeyForm, policy: Policy) -> Result<KeyPatch, OpError> {
    let (scopes, expiry, restrictions) = form.parse_with(app.now(), policy, &restrictions(key))?;
    let expires_at = match expiry {
        ExpiryChange::Keep => None,
        ExpiryChange::Set(at) => Some(at),
    };
    Ok(KeyPatch {
        name: Some(form.name.clone()),
        scopes: Some(scopes),
        restrictions: Some(restrictions),
        expires_at,
        ..KeyPatch::default()
    })
}

/// The current restrictions. Those of a newer version can't be read and count as none here; saving a change of
/// such a key fails.
fn restrictions(key: &KeyRow) -> Restrictions {
    key.terms.restrictions.clone().unwrap_or_default()
}

/// Saves the change. If the change grants more to an exposed key, the user must have confirmed exactly this grant.
async fn save_confirmed(
    app: &App,
    member: &Member,
    key: &KeyRow,
    form: &KeyForm,
    policy: Policy,
) -> Result<(KeyRow, String), OpError> {
    let patch = patch(app, key, form, policy)?;
    match save(app, member, key, form, patch.clone()).await {
        Err(OpError::Exposed(public)) if form.acknowledge_public_use == public.token() => {
            save(app, member, key, form, KeyPatch { acknowledges_public_use: true, ..patch }).await
        }
        other => other,
    }
}

async fn save(
    app: &App,
    member: &Member,
    key: &KeyRow,
    form: &KeyForm,
    patch: KeyPatch,
) -> Result<(KeyRow, String), OpError> {
    let expected = form.revision.parse().map(Revision).map_err(|_| OpError::Conflict)?;
    let (saved, propagation) = app.keys.edit(&member.acting, key.id, patch, Some(&[expected])).await?;
    Ok((saved, text::short_duration(propagation.took)))
}

/// The permissions that the key would gain. `None` if there are none, or if the user has confirmed exactly these.
fn unconfirmed_widening(key: &KeyRow, form: &KeyForm) -> Option<PermissionQuestion> {
    let scopes = form.scopes().ok()?;
    // An impossible grant needs no confirmation, because saving reports the error.
    Grant::new(key.class, scopes).ok()?;
    let gained = if scopes == key.scopes {
        Permissions::NONE
    } else {
        scopes.permissions().without(key.terms.permissions)
    };
    let names: Vec<_> = gained.iter().map(Permission::name).collect();
    let token = names.join(" ");
    (!gained.is_empty() && form.confirm_widening != token).then(|| PermissionQuestion {
        permits: gained.iter().map(|one| one.phrase().to_owned()).collect(),
        token,
    })
}
