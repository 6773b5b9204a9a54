//! Objects to remove after their rows were deleted.

use std::time::Duration;

use keyrack_key::Timestamp;

use crate::database::{Connection, query};
use crate::{Store, StoreError};

/// How long until the second removal. Uploads that were running during the deletion have finished by then.
const SECOND_REMOVAL: Duration = Duration::from_hours(1);

/// Schedules removals in the transaction of a deletion.
pub(crate) async fn schedule(
    db: &mut Connection,
    prefixes: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    for prefix in prefixes {
        query("INSERT INTO removals (prefix, due_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(prefix)
            .bind(now.micros())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

impl Store {
    /// Returns up to `limit` prefixes whose objects are due for removal at `now`.
    pub async fn removals(&self, now: Timestamp, limit: u32) -> Result<Vec<String>, StoreError> {
        query("SELECT prefix FROM removals WHERE due_at <= $1 ORDER BY due_at LIMIT $2")
            .bind(now.micros())
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(|row| row.try_get("prefix"))
            .collect()
    }

    /// Postpones a failed removal to the time `then`.
    pub async fn postpone_removal(&self, prefix: &str, then: Timestamp) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        query("UPDATE removals SET due_at = $2 WHERE prefix = $1")
            .bind(prefix)
            .bind(then.micros())
            .execute(&mut *db)
            .await?;
        db.commit().await
    }

    /// Marks the objects under `prefix` as removed. They are removed once more later, then the prefix is forgotten.
    pub async fn mark_removed(&self, prefix: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        // Only once the second removal is due, so that two concurrent first removals count as one.
        query("DELETE FROM removals WHERE prefix = $1 AND last = 1 AND due_at <= $2")
            .bind(prefix)
            .bind(now.micros())
            .execute(&mut *db)
            .await?;
        query("UPDATE removals SET due_at = $2, last = 1 WHERE prefix = $1")
            .bind(prefix)
            .bind(now.plus(SECOND_REMOVAL).micros())
            .execute(&mut *db)
            .await?;
        db.commit().await
    }
}
