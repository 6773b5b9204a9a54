//! Training runs whose worker no longer renews the lease.

use std::time::Duration;

use keyrack_key::Timestamp;

use crate::database::{Connection, query};
use crate::{Store, StoreError};

/// A training run whose worker died is repeated once. A run that killed two workers would kill a third.
const ATTEMPTS_MAX: i64 = 2;
const WORKERS_DIED: &str = "The worker stopped twice during this training run, most likely because the \
     machine ran out of memory or was shut down. Train again.";
/// The longest lease that a worker may take.
const LONGEST_LEASE: Duration = Duration::from_mins(1);

/// A condition for training runs whose lease has expired at `$1`.
macro_rules! abandoned {
    () => {
        "status = 'running' AND lease_until < $1"
    };
}
pub(super) use abandoned;

impl Store {
    /// Requeues training runs with an expired lease, or ends them as failed after the last attempt. It only reads if
    /// there are none, so callers may poll it.
    pub async fn requeue_abandoned_runs(&self, now: Timestamp) -> Result<(), StoreError> {
        let found = query(concat!(
            "SELECT 1 FROM models WHERE status = 'running' AND lease_until > $2 UNION ALL SELECT 1 FROM models WHERE ",
            abandoned!(),
            " LIMIT 1"
        ));
        let found = found
            .bind(now.micros())
            .bind(now.plus(LONGEST_LEASE).micros())
            .fetch_optional(self.readers())
            .await?;
        if found.is_none() {
            return Ok(());
        }
        let mut db = self.write().await?;
        requeue_or_fail(&mut db, now).await?;
        db.commit().await
    }
}

/// Requeues runs with an expired lease, and ends those without attempts left.
pub(super) async fn requeue_or_fail(db: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    // A lease that ends implausibly late was taken before the clock was set back. Shorten it; a
    // running worker renews it.
    query("UPDATE models SET lease_until = $1 WHERE status = 'running' AND lease_until > $1")
        .bind(now.plus(LONGEST_LEASE).micros())
        .execute(&mut *db)
        .await?;
    query(concat!(
        "UPDATE models SET status = CASE cancel WHEN 1 THEN 'cancelled' ELSE 'failed' END,
                reason = CASE cancel WHEN 1 THEN NULL ELSE $3 END, ended_at = $1, lease_until = NULL
         WHERE (attempt >= $2 OR cancel = 1) AND ",
        abandoned!()
    ))
    .bind(now.micros())
    .bind(ATTEMPTS_MAX)
    .bind(WORKERS_DIED)
    .execute(&mut *db)
    .await?;
    query(concat!(
        "UPDATE models SET status = 'queued', started_at = NULL, lease_until = NULL, progress = NULL WHERE ",
        abandoned!()
    ))
    .bind(now.micros())
    .execute(db)
    .await?;
    Ok(())
}
