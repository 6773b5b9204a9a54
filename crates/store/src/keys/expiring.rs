//! The keys that expire next.

use keyrack_key::{KeyId, Timestamp, WorkspaceId};

use crate::database::{self, query};
use crate::{Store, StoreError};

/// A key that expires soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringKey {
    pub id: KeyId,
    pub name: String,
    pub at: Timestamp,
}

impl Store {
    /// Returns up to `limit` keys of `workspace` that expire after `now` and until `until`, the next to expire first.
    pub async fn expiring_keys(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ExpiringKey>, StoreError> {
        let rows = query(
            "SELECT id, name, expires_at FROM keys
             WHERE workspace_id = $1 AND deleted_at IS NULL AND expires_at > $2 AND expires_at <= $3
             ORDER BY expires_at, id LIMIT $4",
        )
        .bind(workspace.to_string())
        .bind(now.micros())
        .bind(until.micros())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        let read = |row| {
            let (id, name) = (database::parsed(row, "id")?, row.try_get("name")?);
            Ok(ExpiringKey { id, name, at: database::time(row, "expires_at")? })
        };
        rows.iter().map(read).collect()
    }
}
