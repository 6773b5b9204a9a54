//! Reads the terms of a key from its row, for the pages and for racks.

use keyrack_key::{KeyState, Pause, Permissions, Scopes, SecretState, Timestamp};

use crate::StoreError;
use crate::database::Row;

/// The columns of a key's terms.
pub(crate) struct TermsColumns<'a> {
    pub(crate) permissions: i64,
    pub(crate) restrictions: &'a str,
    pub(crate) expires_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) paused_at: Option<i64>,
    pub(crate) paused_until: Option<i64>,
}

/// Reads the terms from a row of `keys`. Terms that a newer version wrote deny requests: unknown permission bits are
/// kept, and restrictions that can't be parsed become `None`, which denies.
pub(crate) fn terms(row: &Row) -> Result<KeyState, StoreError> {
    TermsColumns {
        permissions: row.try_get("permissions")?,
        restrictions: row.try_get("restrictions")?,
        expires_at: row.try_get("expires_at")?,
        deleted_at: row.try_get("deleted_at")?,
        paused_at: row.try_get("paused_at")?,
        paused_until: row.try_get("paused_until")?,
    }
    .terms()
}

impl TermsColumns<'_> {
    pub(crate) fn terms(&self) -> Result<KeyState, StoreError> {
        let bits = u32::try_from(self.permissions);
        let bits = bits.map_err(|_| StoreError::Corrupt { what: "permissions" })?;
        Ok(KeyState {
            permissions: Permissions::from_bits(bits),
            restrictions: serde_json::from_str(self.restrictions).ok(),
            expires_at: self.expires_at.map(Timestamp::from_micros),
            pause: self.paused_at.map(|_| Pause::until(self.paused_until.map(Timestamp::from_micros))),
            deleted_at: self.deleted_at.map(Timestamp::from_micros),
        })
    }
}

/// Parses scopes. Omits unknown scopes of a newer version, because only permissions count.
pub(crate) fn scopes(names: &str) -> Scopes {
    names.split_whitespace().filter_map(|name| name.parse().ok()).collect()
}

pub(crate) fn secret_state(retires_at: Option<Timestamp>) -> SecretState {
    retires_at.map_or(SecretState::Current, SecretState::Retiring)
}
