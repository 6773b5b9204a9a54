//! The usage of keys, stored in batches: checks by outcome per hour and per day, and when each key was last used.

mod days;

use keyrack_key::{KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{LastUse, Outcome, SecretExposure, SecretUsage};

use crate::database::{self, Connection, Row, query};
use crate::exposures::{ExposureRecord, write_exposure};
use crate::{Store, StoreError};
pub use days::DailyUsage;
pub(crate) use days::day_of;

/// The most keys that are written in a transaction, so that a deletion doesn't wait long.
const BATCH: usize = 500;
const HOUR: i64 = 3_600_000_000;

impl Store {
    /// Stores the result of [`Rack::drain_usage`](keyrack_rack::Rack::drain_usage) at the time `now`. If two nodes
    /// report the same key, checks add up and the later last use wins. Skips unknown keys.
    pub async fn store_usage(&self, used: &[SecretUsage], now: Timestamp) -> Result<(), StoreError> {
        for batch in used.chunks(BATCH) {
            let mut db = self.write_new_data().await?;
            write_usage(&mut db, batch, None, now).await?;
            db.commit().await?;
        }
        Ok(())
    }
}

/// Stores usage. With a `workspace`, skips keys of other workspaces.
pub(crate) async fn write_usage(
    db: &mut Connection,
    used: &[SecretUsage],
    workspace: Option<WorkspaceId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hour = now.micros() - now.micros().rem_euclid(HOUR);
    for SecretUsage { key, counts, last, exposures, .. } in used {
        if !belongs_to(db, *key, workspace).await? {
            continue;
        }
        for (outcome, checks) in counts {
            count(db, *key, hour, *outcome, *checks).await?;
        }
        days::count(db, *key, counts, now).await?;
        if let Some(last) = last {
            write_last_use(db, *key, last, now).await?;
        }
        for SecretExposure { hint, exposure, origin, at } in exposures {
            let (key, origin, first) = (*key, *origin, (*at).min(now));
            let record = ExposureRecord { key, hint: *hint, exposure: *exposure, origin, first, last: first };
            write_exposure(db, &record, now).await?;
        }
    }
    Ok(())
}

pub(crate) async fn belongs_to(
    db: &mut Connection,
    key: KeyId,
    workspace: Option<WorkspaceId>,
) -> Result<bool, StoreError> {
    let Some(workspace) = workspace else { return Ok(true) };
    let row = query("SELECT 1 FROM keys WHERE id = $1 AND workspace_id = $2")
        .bind(key.to_string())
        .bind(workspace.to_string())
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

/// The number of checks of a key with the same outcome in an hour or a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The start of the hour or the day.
    pub hour: Timestamp,
    /// The checked permission. `None` if the check was only about the key.
    pub permission: Option<Permission>,
    /// `allowed`, or the code of the denial.
    pub outcome: String,
    /// The number of checks.
    pub checks: u64,
}

impl Store {
    /// Returns the usage of a key by hour since the hour `since`, the oldest first.
    pub async fn usage(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        since: Timestamp,
    ) -> Result<Vec<Usage>, StoreError> {
        let rows = query(
            "SELECT u.hour, u.permission, u.outcome, u.checks FROM key_usage u JOIN keys k ON k.id = u.key_id
             WHERE k.workspace_id = $1 AND k.id = $2 AND u.hour >= $3 ORDER BY u.hour, u.permission, u.outcome",
        )
        .bind(workspace.to_string())
        .bind(key.to_string())
        .bind(since.micros())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(usage).collect()
    }
}

impl Store {
    /// Returns the usage of a key by day (UTC) since the day of `since`, the oldest first.
    pub async fn usage_by_day(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        since: Timestamp,
    ) -> Result<Vec<Usage>, StoreError> {
        let rows = query(
            "SELECT u.hour - u.hour % 86400000000 AS hour, u.permission, u.outcome, sum(u.checks) AS checks
             FROM key_usage u JOIN keys k ON k.id = u.key_id
             WHERE k.workspace_id = $1 AND k.id = $2 AND u.hour >= $3
             GROUP BY 1, u.permission, u.outcome ORDER BY 1, u.permission, u.outcome",
        )
        .bind(workspace.to_string())
        .bind(key.to_string())
        .bind(day_of(since))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(usage).collect()
    }
}

fn usage(row: &Row) -> Result<Usage, StoreError> {
    let permission: &str = row.try_get("permission")?;
    Ok(Usage {
        hour: database::time(row, "hour")?,
        // A newer version may have stored a permission that this version doesn't know.
        permission: permission.parse().ok(),
        outcome: row.try_get("outcome")?,
        checks: database::number(row, "checks")?,
    })
}

async fn count(
    db: &mut Connection,
    key: KeyId,
    hour: i64,
    outcome: Outcome,
    checks: u32,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO key_usage (key_id, hour, permission, outcome, checks)
         SELECT k.id, $2, $3, $4, $5 FROM keys k WHERE k.id = $1
         ON CONFLICT (key_id, hour, permission, outcome) DO UPDATE SET checks = key_usage.checks + excluded.checks",
    )
    .bind(key.to_string())
    .bind(hour)
    .bind(outcome.permission.map_or("", Permission::name))
    .bind(outcome.denied.unwrap_or("allowed"))
    .bind(i64::from(checks))
    .execute(db)
    .await?;
    Ok(())
}

/// Stores when a key was last used. Clamps the time between the key's creation and `now`, because a node's clock may
/// be wrong. Keeps a later stored time, unless that is after `now`.
async fn write_last_use(
    db: &mut Connection,
    key: KeyId,
    used: &LastUse,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO key_uses (key_id, at, address, agent, permission)
         SELECT k.id, max($2, min(k.created_at, $6)), $3, $4, $5 FROM keys k WHERE k.id = $1
         ON CONFLICT (key_id) DO UPDATE SET at = excluded.at, address = excluded.address,
             agent = excluded.agent, permission = excluded.permission
         WHERE excluded.at > key_uses.at OR key_uses.at > $6",
    )
    .bind(key.to_string())
    .bind(used.at.min(now).micros())
    .bind(used.address.map(|address| address.to_string()))
    .bind(used.agent())
    .bind(used.permission.map(Permission::name))
    .bind(now.micros())
    .execute(db)
    .await?;
    Ok(())
}
