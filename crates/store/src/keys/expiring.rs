//! What ends next.

use keyrack_key::{KeyId, Timestamp, WorkspaceId};

use crate::database::{self, query};
use crate::{Store, StoreError};

/// A key that ends by itself before long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// When it ends.
    pub at: Timestamp,
}

impl Store {
    /// The keys of `workspace` that end after `now` and until `until`, the next to end first; up to `limit`.
    pub async fn expiring_keys(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Expiring>, StoreError> {
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
            Ok(Expiring { id, name, at: database::time(row, "expires_at")? })
        };
        rows.iter().map(read).collect()
    }
}
