//! `…/settings/api-keys/new`: the Add New Key dialog, which creates a key.

mod view;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::keys::{IssuedKey, KeyDraft};
use keyrack_core::{Invalid, OpError, invalid};
use keyrack_key::{KeyId, Restrictions};
use keyrack_store::{KeyFilter, KeyStatus, Policy};

use super::fields::options::FormContext;
use super::fields::{ExpiryChange, KeyForm};
use super::{base, nonce, reveal, sent_nonce};
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::FormBody;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use view::NewKeyPage;

/// Shows the empty form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    member: Member,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let form = KeyForm::empty(nonce()?);
    let policy = app.settings.policy(&member.acting).await?;
    Ok(page(&app, &member, &headers, &form, policy, None).await?)
}

async fn page(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    form: &KeyForm,
    policy: Policy,
    invalid: Option<&Invalid>,
) -> Result<Response, OpError> {
    let context = FormContext::of(app, member, policy, &Restrictions::NONE).await?;
    let same_name = same_name(app, member, &form.name, None).await?;
    show!(
        app,
        NewKeyPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            nonce: form.nonce.clone(),
            fields: form.fields(app.now(), &context, invalid, None),
            same_name,
        }
    )
}

/// Creates the key, or shows the form again with an error, or with a warning about the name that was typed so far. This response is the only one that contains the secret.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    member: Member,
    parts: Parts,
    FormBody(form): FormBody<KeyForm>,
) -> Result<Response, PageError> {
    let policy = app.settings.policy(&member.acting).await?;
    if form.check == "on" {
        return Ok(page(&app, &member, &parts.headers, &form, policy, None).await?);
    }
    match create(&app, &member, &form, policy).await {
        Ok(created) => {
            // A failure here must not keep the secret from the user, who sees it only in this response.
            let remark =
                same_name(&app, &member, &created.key.name, Some(created.key.id)).await.unwrap_or_default();
            Ok(reveal::page(&app, &member, &parts, &created, None, remark).await?)
        }
        Err(OpError::Invalid(invalid)) => {
            let again = page(&app, &member, &parts.headers, &form, policy, Some(&invalid)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Err(OpError::Repeated { key }) => {
            Ok(reveal::already_shown(&app, &member, &parts.headers, key).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn create(app: &App, member: &Member, form: &KeyForm, policy: Policy) -> Result<IssuedKey, OpError> {
    let now = app.now();
    let (scopes, expiry, restrictions) = form.effective().parse_with(now, policy, &Restrictions::NONE)?;
    let expires_at = match expiry {
        ExpiryChange::Set(at) => at,
        ExpiryChange::Keep => None,
    };
    let draft = KeyDraft {
        name: form.name.clone(),
        class: form.class(),
        scopes,
        restrictions,
        expires_at,
        note: String::new(),
    };
    app.keys.create(&member.acting, draft, sent_nonce(&form.nonce)?).await
}

/// A warning if another key than `own` has this name, which is allowed. No key has an invalid name.
pub(super) async fn same_name(
    app: &App,
    member: &Member,
    name: &str,
    own: Option<KeyId>,
) -> Result<Option<String>, OpError> {
    let Ok(name) = invalid::name(name) else { return Ok(None) };
    let filter =
        KeyFilter { status: KeyStatus::Standing, text: Some(&name), limit: 20, ..KeyFilter::any(app.now()) };
    let alike = app.keys.list(&member.acting, &filter).await?;
    let is_taken = alike.items.iter().any(|key| key.name == name && Some(key.id) != own);
    Ok(is_taken.then(|| format!("Another key is also named {name}.")))
}
