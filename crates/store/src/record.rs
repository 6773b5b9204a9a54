//! What a key's row says it may do. The one place that reads it, for pages and racks alike.

use keyrack_key::{Permissions, Scopes, SecretState, Terms, Timestamp};
use sqlx::Row as _;

use crate::StoreError;
use crate::database::{self, Row};

/// The terms in a row of `keys`. What a newer version wrote is kept as something that denies:
/// restrictions that cannot be read are none that could be passed, and permission bits without a name stay.
pub(crate) fn terms(row: &Row) -> Result<Terms, StoreError> {
    let bits: i64 = row.try_get("permissions")?;
    let bits = u32::try_from(bits).map_err(|_| StoreError::Corrupt { what: "permissions" })?;
    let restrictions: &str = row.try_get("restrictions")?;
    Ok(Terms {
        permissions: Permissions::from_bits(bits),
        restrictions: serde_json::from_str(restrictions).ok(),
        expires_at: database::time_if_any(row, "expires_at")?,
        deleted_at: database::time_if_any(row, "deleted_at")?,
    })
}

/// What people picked. A scope of a newer version is left out: it only names what the permissions, which count, hold.
pub(crate) fn scopes(row: &Row) -> Result<Scopes, StoreError> {
    let names: &str = row.try_get("scopes")?;
    Ok(names.split_whitespace().filter_map(|name| name.parse().ok()).collect())
}

pub(crate) fn secret_state(retires_at: Option<Timestamp>) -> SecretState {
    retires_at.map_or(SecretState::Current, SecretState::Retiring)
}
