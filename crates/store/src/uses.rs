//! What keys were used for, written down in batches: how checks ended, by the hour and by the day, and each key's last use.

mod days;

use keyrack_key::{KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::{LastUse, Outcome, Seen, Used};

use crate::callers::day_of;
use crate::database::{self, Connection, Row, query};
use crate::sightings::{Sighting, write_sighting};
use crate::{Store, StoreError};
pub use days::DayOfUse;

/// How many keys are written at once: a deletion does not wait for more.
const BATCH: usize = 500;
const HOUR: i64 = 3_600_000_000;

impl Store {
    /// Writes down what [`Rack::drain_uses`](keyrack_rack::Rack::drain_uses) gave at `now`. Where two nodes tell of the
    /// same key, the newer last use stays and checks add up; a key that is not here is passed over.
    pub async fn note_uses(&self, used: &[Used], now: Timestamp) -> Result<(), StoreError> {
        for batch in used.chunks(BATCH) {
            let mut db = self.write_new_data().await?;
            write_used(&mut db, batch, None, now).await?;
            db.commit().await?;
        }
        Ok(())
    }
}

/// Writes down what keys were used for; only those of `workspace`, if one is named.
pub(crate) async fn write_used(
    db: &mut Connection,
    used: &[Used],
    workspace: Option<WorkspaceId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hour = now.micros() - now.micros().rem_euclid(HOUR);
    for Used { key, counts, last, seen, .. } in used {
        if !is_of(db, *key, workspace).await? {
            continue;
        }
        for (outcome, checks) in counts {
            count(db, *key, hour, *outcome, *checks).await?;
        }
        days::count(db, *key, counts, now).await?;
        if let Some(last) = last {
            keep(db, *key, last, now).await?;
        }
        for Seen { hint, exposure, origin, at } in seen {
            let (key, origin, first) = (*key, *origin, (*at).min(now));
            let sighting = Sighting { key, hint: *hint, exposure: *exposure, origin, first, last: first };
            write_sighting(db, &sighting, now).await?;
        }
    }
    Ok(())
}

pub(crate) async fn is_of(
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

/// How often checks of a key ended in one way, within an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When the hour began; the day, where it is told by the day.
    pub hour: Timestamp,
    /// What was asked for; nothing where the question was only whether the key is alive.
    pub permission: Option<Permission>,
    /// `allowed`, or the code of the refusal.
    pub outcome: String,
    /// How often.
    pub checks: u64,
}

impl Store {
    /// What a key of a workspace was used for in the hours from `since` on, the oldest first.
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
    /// The same added up by the day.
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
        // One that this version does not know was asked about by a newer one.
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
    .bind(outcome.refused.unwrap_or("allowed"))
    .bind(i64::from(checks))
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps the last use of a key: not one after `now` or before the key was made, whatever a node's clock says. A later one
/// that is there stays, unless it claims to come after `now`.
async fn keep(db: &mut Connection, key: KeyId, used: &LastUse, now: Timestamp) -> Result<(), StoreError> {
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
