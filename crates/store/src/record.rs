//! What a key's row says it may do. The one place that reads it, for pages and racks alike.

use keyrack_key::{Pause, Permissions, Scopes, SecretState, Terms, Timestamp};

use crate::StoreError;
use crate::database::Row;

/// The columns that say what a key may do, whichever way they were read.
pub(crate) struct TermsColumns<'a> {
    pub(crate) permissions: i64,
    pub(crate) restrictions: &'a str,
    pub(crate) expires_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) paused_at: Option<i64>,
    pub(crate) paused_until: Option<i64>,
}

/// The terms in a row of `keys`. What a newer version wrote is kept as something that denies:
/// restrictions that cannot be read are none that could be passed, and permission bits without a name stay.
pub(crate) fn terms(row: &Row) -> Result<Terms, StoreError> {
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
    pub(crate) fn terms(&self) -> Result<Terms, StoreError> {
        let bits = u32::try_from(self.permissions);
        let bits = bits.map_err(|_| StoreError::Corrupt { what: "permissions" })?;
        Ok(Terms {
            permissions: Permissions::from_bits(bits),
            restrictions: serde_json::from_str(self.restrictions).ok(),
            expires_at: self.expires_at.map(Timestamp::from_micros),
            pause: self.paused_at.map(|_| Pause::until(self.paused_until.map(Timestamp::from_micros))),
            deleted_at: self.deleted_at.map(Timestamp::from_micros),
        })
    }
}

/// What people picked. A scope of a newer version is left out: it only names what the permissions, which count, hold.
pub(crate) fn scopes(names: &str) -> Scopes {
    names.split_whitespace().filter_map(|name| name.parse().ok()).collect()
}

pub(crate) fn secret_state(retires_at: Option<Timestamp>) -> SecretState {
    retires_at.map_or(SecretState::Current, SecretState::Retiring)
}
