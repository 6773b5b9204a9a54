//! Deletes old usage, callers, and denied requests.

use keyrack_key::Timestamp;

use crate::database::query;
use crate::{Store, StoreError};

/// The most rows that are deleted in a transaction, so that other writes don't wait long.
const BATCH: i64 = 500;

/// The statements that delete old rows. Each uses an index on the time. The days of callers precede their callers. An
/// exposure is kept as long as its secret works, and a while longer.
const DELETE_OLD: [&str; 6] = [
    "DELETE FROM key_usage WHERE (key_id, hour, permission, outcome) IN
         (SELECT key_id, hour, permission, outcome FROM key_usage WHERE hour < $1 LIMIT $2)",
    "DELETE FROM key_days WHERE (key_id, day) IN (SELECT key_id, day FROM key_days WHERE day < $1 LIMIT $2)",
    "DELETE FROM caller_days WHERE (caller, day, permission) IN
         (SELECT caller, day, permission FROM caller_days WHERE day < $1 LIMIT $2)",
    "DELETE FROM key_callers WHERE id IN
         (SELECT c.id FROM key_callers c WHERE c.last_at < $1
              AND NOT EXISTS (SELECT 1 FROM caller_days d WHERE d.caller = c.id) LIMIT $2)",
    "DELETE FROM key_refusals WHERE request IN (SELECT request FROM key_refusals WHERE at < $1 LIMIT $2)",
    "DELETE FROM key_sightings WHERE (key_id, hint, exposure, origin) IN
         (SELECT g.key_id, g.hint, g.exposure, g.origin FROM key_sightings g WHERE g.last_at < $1
              AND NOT EXISTS (SELECT 1 FROM key_secrets s JOIN keys k ON k.id = s.key_id
                              WHERE s.key_id = g.key_id AND s.hint = g.hint AND k.deleted_at IS NULL
                                AND (s.retires_at IS NULL OR s.retires_at >= $1)) LIMIT $2)",
];

impl Store {
    /// Deletes the usage, callers, and denied requests before `then`, in small steps so that other writes don't wait.
    /// Returns the number of deleted rows.
    pub async fn delete_usage_before(&self, then: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        for delete in DELETE_OLD {
            loop {
                let step = self.change(query(delete).bind(then.micros()).bind(BATCH)).await?;
                forgotten += step;
                if step < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(forgotten)
    }
}
