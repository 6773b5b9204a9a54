//! The details of audit entries about keys.

use keyrack_key::{Permission, Permissions, Restrictions, Timestamp};
use serde_json::{Map, Value, json};

use super::write::granted;
use super::{EditKey, KeyRow, NewKey, RotateKey};
use crate::StoreError;

/// Serializes restrictions as they are stored.
pub(super) fn text_of(restrictions: &Restrictions) -> Result<String, StoreError> {
    serde_json::to_string(restrictions).map_err(|_| StoreError::Corrupt { what: "restrictions" })
}

/// The details of a new key. They contain the hint of the secret, but never the digest.
pub(super) fn creation_detail(new: &NewKey<'_>, restrictions: &str) -> Value {
    json!({
        "class": new.grant.class(),
        "expiresAt": new.expires_at.map(Timestamp::micros),
        "hint": new.secret.hint.to_string(),
        "name": new.name,
        "note": new.note,
        "permissions": names(new.grant.permissions()),
        "restrictions": json_of(restrictions),
        "scopes": new.grant.scopes(),
    })
}

/// Returns `{"name": {"after": …, "before": …}, …}` for the fields that the edit changes.
pub(super) fn edit_detail(before: &KeyRow, old: &str, edit: &EditKey<'_>, new: &str) -> Map<String, Value> {
    let expiry = |at: Option<Timestamp>| json!(at.map(Timestamp::micros));
    [
        ("expiresAt", expiry(before.terms.expires_at), expiry(edit.expires_at)),
        ("name", json!(before.name), json!(edit.name)),
        ("note", json!(before.note), json!(edit.note)),
        ("permissions", names(before.terms.permissions), names(granted(before, edit))),
        ("restrictions", json_of(old), json_of(new)),
        ("scopes", json!(before.scopes), json!(edit.grant.scopes())),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(what, before, after)| (what.to_owned(), json!({ "after": after, "before": before })))
    .collect()
}

/// The details of a rotation. They contain the name, because the key may be renamed later.
pub(super) fn rotation_detail(before: &KeyRow, rotate: &RotateKey<'_>) -> Value {
    json!({
        "hint": rotate.secret.hint.to_string(),
        "name": before.name,
        "replaced": before.secrets.first().map(|secret| secret.hint.to_string()),
        "retiresAt": rotate.retires_at.micros(),
    })
}

/// The names of permissions. They record what the scopes meant at that time.
fn names(permissions: Permissions) -> Value {
    permissions.iter().map(Permission::name).collect()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
