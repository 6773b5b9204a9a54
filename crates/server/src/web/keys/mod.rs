//! The API Keys page and its dialogs. Each dialog is also a page with its own URL, for browsers without JavaScript.

pub(super) mod advice;
pub(super) mod delete;
pub(super) mod denials;
pub(super) mod edit;
pub(super) mod first_call;
pub(super) mod list;
pub(super) mod new;
pub(super) mod note;
pub(super) mod pause;
pub(super) mod publishable_key;
pub(super) mod retire;
pub(super) mod rotate;
pub(super) mod selection;
pub(super) mod show;

mod confirm;
mod exposure;
mod fields;
mod requested;
mod reveal;
mod what_if;

use axum::http::request::Parts;
use keyrack_core::OpError;
use keyrack_core::keys::Propagation;
use keyrack_store::KeyRow;

use super::person::Member;
use super::text;
use crate::app::App;
use crate::web::frame::FlashMessage;

/// The path of the page.
fn base(member: &Member) -> String {
    member.path("/settings/api-keys")
}

/// A sentence about callers that still use the old secret of a key. `None` if no old secret works.
async fn still_using(app: &App, member: &Member, key: &KeyRow) -> Result<Option<String>, OpError> {
    let now = app.now();
    let Some((secret, _)) = text::retiring(key, now) else { return Ok(None) };
    let used = app.keys.old_secret_usage(&member.acting, key.id, secret.hint).await?;
    // The old secret was replaced when the current one was created.
    let since = key.secrets.first().map_or(key.created_at, |current| current.created_at);
    Ok(Some(text::still_using(used.as_ref(), since, now)))
}

/// The message after a change of a key: a warning if a node has not confirmed the change.
fn change_message(text: String, propagation: &Propagation, detail: String) -> FlashMessage {
    let message = if propagation.unconfirmed.is_empty() {
        FlashMessage::good(text)
    } else {
        FlashMessage::warning(text)
    };
    message.with_detail(detail)
}

/// A random name for one submission of a form. The server executes a submission only once per nonce.
fn nonce() -> Result<String, OpError> {
    use rand_core::TryRng;
    let mut random = [0; 16];
    getrandom::SysRng.try_fill_bytes(&mut random).map_err(OpError::internal)?;
    Ok(format!("form_{}", hex::encode(random)))
}

/// Validates a submitted nonce. Fails if it does not have the form of [`nonce`].
fn sent_nonce(text: &str) -> Result<Option<String>, OpError> {
    let fits = text.len() == 37
        && text.starts_with("form_")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits {
        Ok(Some(text.to_owned()))
    } else {
        Err(keyrack_core::Invalid::field("nonce", "This form has expired. Reload the page and try again.")
            .into())
    }
}

/// The URL of this server as the browser uses it, for examples that users copy.
pub(super) fn address(app: &App, parts: &Parts) -> String {
    app.address(&parts.headers)
}
