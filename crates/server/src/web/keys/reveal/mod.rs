//! The page that shows a new secret, which is shown only once.

mod examples;
mod view;

use axum::Extension;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::OpError;
use keyrack_core::keys::IssuedKey;
use keyrack_key::{Class, KeyId};

use super::{address, base, first_call};
use crate::app::App;
use crate::http::compression::Uncompressed;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use examples::examples;
use view::{AlreadyShownPage, RevealSecretPage};

/// The page with the secret. It is never compressed, because it contains text from the user next to the secret.
pub(super) async fn page(
    app: &App,
    member: &Member,
    parts: &Parts,
    created: &IssuedKey,
    old_secret: Option<String>,
    remark: Option<String>,
) -> Result<Response, OpError> {
    let key = &created.key;
    app.first_calls.watch(created, app.now());
    let snippets = examples(app, member, created, &address(app, parts)).await;
    let page = show!(
        app,
        RevealSecretPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, &parts.headers),
            base: base(member),
            id: key.id.to_string(),
            key_name: key.name.clone(),
            secret: created.secret.expose().to_owned(),
            public: key.class == Class::Publishable,
            call: first_call::line(app, member, key, created.secret.hint()),
            snippets,
            scopes: text::scopes(key.scopes),
            expires: key
                .terms
                .expires_at
                .map_or("never".to_owned(), |at| format!("on {}", text::date_and_time(at))),
            old_secret,
            remark,
        }
    )?;
    Ok((Extension(Uncompressed), page).into_response())
}

/// The response if a form is submitted again. Only the first response contained the secret.
pub(super) async fn already_shown(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    id: KeyId,
) -> Result<Response, OpError> {
    let key = app.keys.read(&member.acting, id).await?;
    let page = show!(
        app,
        AlreadyShownPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            id: key.id.to_string(),
            public: key.class == Class::Publishable,
            key_name: key.name,
        }
    )?;
    Ok((StatusCode::CONFLICT, page).into_response())
}
