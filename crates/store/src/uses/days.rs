//! Use by the day: what a list of keys draws.

use keyrack_key::{KeyId, Permissions, Timestamp, WorkspaceId};
use keyrack_rack::Outcome;

use crate::callers::day_of;
use crate::database::{self, Connection, Row, query};
use crate::{Store, StoreError};

/// How a key was used on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfUse {
    /// The key.
    pub key: KeyId,
    /// When the day began, UTC.
    pub day: Timestamp,
    /// Requests that were let through.
    pub allowed: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// What those that were let through had asked for.
    pub permissions: Permissions,
}

impl Store {
    /// The days of several keys of a workspace, from the day of `since` on, those of each key together and in order.
    pub async fn days_of_use(
        &self,
        workspace: WorkspaceId,
        keys: &[KeyId],
        since: Timestamp,
    ) -> Result<Vec<DayOfUse>, StoreError> {
        let keys: Vec<_> = keys.iter().map(KeyId::to_string).collect();
        let rows = query(
            "SELECT d.key_id, d.day, d.allowed, d.refused, d.permissions FROM key_days d JOIN keys k ON k.id = d.key_id
             WHERE k.workspace_id = $1 AND d.day >= $2 AND d.key_id IN (SELECT value FROM json_each($3))
             ORDER BY d.key_id, d.day",
        )
        .bind(workspace.to_string())
        .bind(day_of(since))
        .bind(serde_json::Value::from(keys).to_string())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(day).collect()
    }
}

/// Adds what was counted to its day.
pub(super) async fn count(
    db: &mut Connection,
    key: KeyId,
    counts: &[(Outcome, u32)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sum = |is_refused: bool| -> i64 {
        let of = counts.iter().filter(|(outcome, _)| outcome.refused.is_some() == is_refused);
        of.map(|(_, checks)| i64::from(*checks)).sum()
    };
    let (allowed, refused) = (sum(false), sum(true));
    if allowed + refused == 0 {
        return Ok(());
    }
    let asked = counts.iter().filter(|(outcome, _)| outcome.refused.is_none());
    let asked: Vec<_> = asked.filter_map(|(outcome, _)| outcome.permission).collect();
    query(
        "INSERT INTO key_days (key_id, day, allowed, refused, permissions)
         SELECT k.id, $2, $3, $4, $5 FROM keys k WHERE k.id = $1
         ON CONFLICT (key_id, day) DO UPDATE SET allowed = key_days.allowed + excluded.allowed,
             refused = key_days.refused + excluded.refused, permissions = key_days.permissions | excluded.permissions",
    )
    .bind(key.to_string())
    .bind(day_of(now))
    .bind(allowed)
    .bind(refused)
    .bind(i64::from(Permissions::of(&asked).bits()))
    .execute(db)
    .await?;
    Ok(())
}

fn day(row: &Row) -> Result<DayOfUse, StoreError> {
    Ok(DayOfUse {
        key: database::parsed(row, "key_id")?,
        day: database::time(row, "day")?,
        allowed: database::number(row, "allowed")?,
        refused: database::number(row, "refused")?,
        permissions: Permissions::from_bits(
            u32::try_from(database::number(row, "permissions")?).unwrap_or(0),
        ),
    })
}
