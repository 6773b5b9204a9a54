//! The usage of keys by day, for the charts in the list of keys.

use keyrack_key::{KeyId, Permissions, Timestamp, WorkspaceId};
use keyrack_rack::Outcome;

use crate::database::{self, Connection, Row, query};
use crate::keys::json_list;
use crate::{Store, StoreError};

const DAY_MICROS: i64 = 86_400_000_000;

/// The start of the day (UTC) that contains `time`, in microseconds.
pub(crate) const fn day_of(time: Timestamp) -> i64 {
    time.micros() - time.micros().rem_euclid(DAY_MICROS)
}

/// The usage of a key on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyUsage {
    pub key: KeyId,
    /// The start of the day (UTC).
    pub day: Timestamp,
    /// The number of allowed requests.
    pub allowed: u64,
    /// The number of denied requests.
    pub denied: u64,
    /// The permissions that the allowed requests needed.
    pub permissions: Permissions,
}

impl Store {
    /// Returns the usage of several keys of a workspace since the day of `since`, sorted by key and day.
    pub async fn daily_usage(
        &self,
        workspace: WorkspaceId,
        keys: &[KeyId],
        since: Timestamp,
    ) -> Result<Vec<DailyUsage>, StoreError> {
        let rows = query(
            "SELECT d.key_id, d.day, d.allowed, d.refused, d.permissions FROM key_days d JOIN keys k ON k.id = d.key_id
             WHERE k.workspace_id = $1 AND d.day >= $2 AND d.key_id IN (SELECT value FROM json_each($3))
             ORDER BY d.key_id, d.day",
        )
        .bind(workspace.to_string())
        .bind(day_of(since))
        .bind(json_list(keys))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(day).collect()
    }
}

/// Adds counts to the day of `now`.
pub(super) async fn count(
    db: &mut Connection,
    key: KeyId,
    counts: &[(Outcome, u32)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sum = |is_denied: bool| -> i64 {
        let of = counts.iter().filter(|(outcome, _)| outcome.denied.is_some() == is_denied);
        of.map(|(_, checks)| i64::from(*checks)).sum()
    };
    let (allowed, denied) = (sum(false), sum(true));
    if allowed + denied == 0 {
        return Ok(());
    }
    let permissions = counts.iter().filter(|(outcome, _)| outcome.denied.is_none());
    let permissions: Vec<_> = permissions.filter_map(|(outcome, _)| outcome.permission).collect();
    query(
        "INSERT INTO key_days (key_id, day, allowed, refused, permissions)
         SELECT k.id, $2, $3, $4, $5 FROM keys k WHERE k.id = $1
         ON CONFLICT (key_id, day) DO UPDATE SET allowed = key_days.allowed + excluded.allowed,
             refused = key_days.refused + excluded.refused, permissions = key_days.permissions | excluded.permissions",
    )
    .bind(key.to_string())
    .bind(day_of(now))
    .bind(allowed)
    .bind(denied)
    .bind(i64::from(Permissions::of(&permissions).bits()))
    .execute(db)
    .await?;
    Ok(())
}

fn day(row: &Row) -> Result<DailyUsage, StoreError> {
    Ok(DailyUsage {
        key: database::parsed(row, "key_id")?,
        day: database::time(row, "day")?,
        allowed: database::number(row, "allowed")?,
        denied: database::number(row, "refused")?,
        permissions: Permissions::from_bits(
            u32::try_from(database::number(row, "permissions")?).unwrap_or(0),
        ),
    })
}
