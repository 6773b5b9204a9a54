//! `…/settings/api-keys/{id}/first-request`: shows whether a new secret has been used. The page that reveals the
//! secret polls this page every second; without JavaScript, the user opens it. It does not show the secret.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_core::first_calls::FirstCall;
use keyrack_key::{Hint, Permission};
use keyrack_store::KeyRow;
use serde::Deserialize;

use super::base;
use super::requested::RequestedKey;
use crate::api::Params;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::{denial_reasons, text};
use view::FirstCallPage;

pub(in crate::web) use view::{FirstCallLine, FirstCallState};

/// The secret to look for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FirstCallQuery {
    /// The last four characters of the secret. The current secret is used if the key has no such secret.
    secret: String,
}

/// Shows the result of the first request with the secret.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    RequestedKey { member, key }: RequestedKey,
    Params(query): Params<FirstCallQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let requested = Hint::parse(&query.secret).filter(|hint| key.secrets.iter().any(|one| one.hint == *hint));
    let Some(hint) = requested.or_else(|| key.secrets.first().map(|one| one.hint)) else {
        return Err(keyrack_core::OpError::NotFound("key").into());
    };
    let view = FirstCallPage {
        frame: frame::of_member(&app, &member, NavItem::ApiKeys, &headers),
        base: base(&member),
        id: key.id.to_string(),
        key_name: key.name.clone(),
        masked: text::masked(&app.config.brands, key.class, hint),
        call: line(&app, &member, &key, hint),
    };
    Ok(show!(&app, view)?)
}

/// The line about the first request with the secret that has this hint.
pub(super) fn line(app: &App, member: &Member, key: &KeyRow, hint: Hint) -> FirstCallLine {
    let url = format!("{}/{}/first-request?secret={hint}", base(member), key.id);
    let state = match app.first_calls.state_of(key.id, hint) {
        None => FirstCallState::NotAwaited,
        Some(FirstCall::Awaited) => FirstCallState::Awaited,
        Some(FirstCall::Denied { permission, reason }) => {
            FirstCallState::Refused(denial_reasons::sentence(reason, permission))
        }
        Some(FirstCall::Allowed(call)) => FirstCallState::Came {
            when: text::moment(call.at, app.now()),
            from: call.address.map(|address| address.to_string()).unwrap_or_default(),
            does: call.permission.map(|one| one.phrase().to_owned()).unwrap_or_default(),
            permission: call.permission.map(Permission::name).unwrap_or_default(),
        },
    };
    FirstCallLine { url, state }
}
