//! `…/settings/api-keys/{id}/revoke-old-secret`: revokes the old secret of a key before its grace period ends.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::requested::{EditableKey, RequestedKey};
use super::{base, change_message, still_using};
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::text;
use view::RetireSecretPage;

/// Shows the confirmation form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let now = app.now();
    let view = RetireSecretPage {
        frame: frame::of_member(&app, &member, NavItem::ApiKeys, &headers),
        base: base(&member),
        id: key.id.to_string(),
        key_name: key.name.clone(),
        retiring: text::retiring_text(&key, now),
        still_using: still_using(&app, &member, &key).await?.unwrap_or_default(),
    };
    Ok(show!(&app, view)?)
}

/// Revokes the old secret, and shows which nodes have confirmed the change.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    EditableKey(RequestedKey { member, key }): EditableKey,
) -> Result<Response, PageError> {
    let retiring = key.retiring_at(app.now()).map(|(secret, _)| secret.hint);
    let (key, propagation) = app.keys.retire(&member.acting, key.id).await?;
    let notice = match retiring {
        Some(hint) => {
            let text = format!("Old secret …{hint} of {} revoked.", key.name);
            change_message(text, &propagation, text::removal_status(&propagation, app.now()))
        }
        None => FlashMessage::good(format!("{} has no old secret key.", key.name)),
    };
    Ok(flash::redirect(&app, &format!("{}/{}", base(&member), key.id), &notice))
}
