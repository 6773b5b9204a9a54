//! Objects whose rows are gone, until they are gone as well.

use std::time::Duration;

use keyrack_key::Timestamp;

use crate::database::{Connection, query};
use crate::{Store, StoreError};

/// What was on its way when the rows were deleted has arrived by then.
const AGAIN: Duration = Duration::from_hours(1);

/// Writes into the transaction of a deletion what is to be removed after it.
pub(crate) async fn promise(
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
    /// Up to `limit` prefixes whose objects are to be removed by `now`.
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

    /// Says that the objects below `prefix` could not be removed; at `then` they are due again.
    pub async fn postpone_removal(&self, prefix: &str, then: Timestamp) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        query("UPDATE removals SET due_at = $2 WHERE prefix = $1")
            .bind(prefix)
            .bind(then.micros())
            .execute(&mut *db)
            .await?;
        db.commit().await
    }

    /// Says that the objects below `prefix` are removed. They are looked for once more later, then never again.
    pub async fn removed(&self, prefix: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        // Only when that last time has come: two who removed at once have looked no further than one.
        query("DELETE FROM removals WHERE prefix = $1 AND last = 1 AND due_at <= $2")
            .bind(prefix)
            .bind(now.micros())
            .execute(&mut *db)
            .await?;
        query("UPDATE removals SET due_at = $2, last = 1 WHERE prefix = $1")
            .bind(prefix)
            .bind(now.plus(AGAIN).micros())
            .execute(&mut *db)
            .await?;
        db.commit().await
    }
}
