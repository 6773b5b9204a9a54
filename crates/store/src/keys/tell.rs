//! What the audit tells of a key that was made or edited.

use keyrack_key::{Restrictions, Timestamp};
use serde_json::{Map, Value, json};

use super::{EditKey, KeyRow, NewKey};
use crate::StoreError;

/// The form in which restrictions are stored.
pub(super) fn text_of(restrictions: &Restrictions) -> Result<String, StoreError> {
    serde_json::to_string(restrictions).map_err(|_| StoreError::Corrupt { what: "restrictions" })
}

/// How a key began. The hint tells which secret it was; the digest stays out of every text.
pub(super) fn birth(new: &NewKey<'_>, restrictions: &str) -> Value {
    json!({
        "class": new.grant.class(),
        "expiresAt": new.expires_at.map(Timestamp::micros),
        "hint": new.secret.1.to_string(),
        "name": new.name,
        "restrictions": json_of(restrictions),
        "scopes": new.grant.scopes(),
    })
}

/// `{"name": {"after": …, "before": …}, …}` for what the edit changes; empty where it changes nothing.
pub(super) fn difference(before: &KeyRow, old: &str, edit: &EditKey<'_>, new: &str) -> Map<String, Value> {
    let expiry = |at: Option<Timestamp>| json!(at.map(Timestamp::micros));
    [
        ("expiresAt", expiry(before.terms.expires_at), expiry(edit.expires_at)),
        ("name", json!(before.name), json!(edit.name)),
        ("note", json!(before.note), json!(edit.note)),
        ("restrictions", json_of(old), json_of(new)),
        ("scopes", json!(before.scopes), json!(edit.grant.scopes())),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(what, before, after)| (what.to_owned(), json!({ "after": after, "before": before })))
    .collect()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
