//! The API Keys page, and the dialogs that it opens. Each dialog is a page of its own as well.

pub(super) mod advice;
pub(super) mod delete;
pub(super) mod edit;
pub(super) mod first_call;
pub(super) mod list;
pub(super) mod new;
pub(super) mod pause;
pub(super) mod public_key;
pub(super) mod refusals;
pub(super) mod retire;
pub(super) mod rotate;
pub(super) mod show;

mod chosen;
mod expiries;
mod fields;
mod limits;
mod narrow;
mod offered;
mod public;
mod reveal;
mod seen;
mod sightings;
mod what_if;

pub(super) use seen::whence;

use axum::http::request::Parts;

use keyrack_store::KeyRow;

use super::person::Member;
use super::words;
use crate::app::App;
use crate::ops::OpError;

/// Where the page is.
fn base(member: &Member) -> String {
    member.path("/settings/api-keys")
}

/// Who still calls with the secret of a key that was replaced, if there is one that still works.
async fn still_using(app: &App, member: &Member, key: &KeyRow) -> Result<Option<String>, OpError> {
    let now = app.now();
    let Some((secret, _)) = words::retiring(key, now) else { return Ok(None) };
    let used = app.keys.still_using(&member.acting, key.id, secret.hint).await?;
    // The secret that took its place was made then.
    let since = key.secrets.first().map_or(key.created_at, |current| current.created_at);
    Ok(Some(words::still_using(used.as_ref(), since, now)))
}

/// A name for one sending of a form: what is sent again with it is not done again.
fn nonce() -> Result<String, OpError> {
    use rand_core::TryRng;
    let mut random = [0; 16];
    getrandom::SysRng.try_fill_bytes(&mut random).map_err(OpError::internal)?;
    Ok(random.iter().fold(String::from("form_"), |text, byte| format!("{text}{byte:02x}")))
}

/// The nonce of a form that was sent. One that no form of ours holds stands for nothing.
fn sent_nonce(text: &str) -> Result<Option<String>, OpError> {
    let fits = text.len() == 37
        && text.starts_with("form_")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits {
        Ok(Some(text.to_owned()))
    } else {
        Err(crate::ops::Invalid::field("nonce", "open the form again").into())
    }
}

/// The address of this server as the browser knows it, for calls that can be copied.
pub(super) fn address(app: &App, parts: &Parts) -> String {
    app.address(&parts.headers)
}
