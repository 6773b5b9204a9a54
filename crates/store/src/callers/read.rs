//! Reads the callers of a key.

use keyrack_key::{Hint, KeyId, Timestamp, WorkspaceId};

use super::{ActiveCaller, CallerCursor, CallerRow, CallerSource, CallerUsage, SecretUsage};
use crate::database::{self, Row, query};
use crate::keys::json_list;
use crate::usage::day_of;
use crate::{Page, Store, StoreError};

/// Selects the columns of a caller `c`, with the requests since the day `$3`.
macro_rules! caller_columns {
    () => {
        "SELECT c.id, c.key_id, c.hint, c.kind, c.network, c.origin, c.agent, c.first_at, c.last_at, c.permission, c.refused,
         coalesce((SELECT sum(d.allowed) FROM caller_days d WHERE d.caller = c.id AND d.day >= $3), 0) AS allowed,
         coalesce((SELECT sum(d.refused) FROM caller_days d WHERE d.caller = c.id AND d.day >= $3), 0) AS refusals"
    };
}

/// Selects rows of `key_callers` as `c`.
macro_rules! caller_rows {
    ($rest:literal) => {
        concat!(
            caller_columns!(),
            " FROM key_callers c JOIN keys k ON k.id = c.key_id
             WHERE c.key_id = $2 AND k.workspace_id = $1 ",
            $rest
        )
    };
}

impl Store {
    /// Returns a page of the callers of a key, the latest first, with the number of requests since
    /// the day of `since` (UTC).
    pub async fn callers(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        since: Timestamp,
        after: Option<CallerCursor>,
        limit: u32,
    ) -> Result<Page<CallerRow, CallerCursor>, StoreError> {
        let after = after.unwrap_or(CallerCursor { last: Timestamp::from_micros(i64::MAX), id: i64::MAX });
        let items = query(caller_rows!(
            "AND (c.last_at, c.id) < ($4, $5) ORDER BY c.last_at DESC, c.id DESC LIMIT $6"
        ))
        .bind(workspace.to_string())
        .bind(key.to_string())
        .bind(day_of(since))
        .bind(after.last.micros())
        .bind(after.id)
        .bind(i64::from(limit) + 1)
        .fetch_list(self.readers(), |rows| rows.iter().map(caller).collect())
        .await?;
        Ok(Page::of(items, limit, |row| CallerCursor { last: row.last, id: row.id }))
    }

    /// Returns the last caller of a secret of a key, and the number of callers. `None` if no request was allowed.
    pub async fn secret_usage(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        hint: Hint,
    ) -> Result<Option<SecretUsage>, StoreError> {
        let rows = query(caller_rows!("AND c.hint = $4 ORDER BY c.last_at DESC, c.id DESC"))
            .bind(workspace.to_string())
            .bind(key.to_string())
            .bind(0_i64)
            .bind(hint.to_string())
            .fetch_all(self.readers())
            .await?;
        // A caller whose requests were all denied doesn't depend on the secret.
        let mut callers = rows.iter().map(caller).collect::<Result<Vec<_>, _>>()?;
        callers.retain(|one| one.allowed > 0);
        let number = callers.len() as u64;
        Ok(callers.into_iter().next().map(|last| SecretUsage { last, callers: number }))
    }

    /// Returns the callers of several keys that had an allowed request since the day of `since` (UTC): for each key the
    /// latest, at most `most`, with the number of all such callers of the key. Sorted by key, the latest first.
    pub async fn active_callers(
        &self,
        workspace: WorkspaceId,
        keys: &[KeyId],
        since: Timestamp,
        most: u32,
    ) -> Result<Vec<ActiveCaller>, StoreError> {
        let rows = query(concat!(
            "SELECT * FROM (",
            caller_columns!(),
            ", row_number() OVER (PARTITION BY c.key_id ORDER BY c.last_at DESC, c.id DESC) AS place,
               count(*) OVER (PARTITION BY c.key_id) AS callers
             FROM key_callers c JOIN keys k ON k.id = c.key_id
             WHERE k.workspace_id = $1 AND c.key_id IN (SELECT value FROM json_each($2)) AND EXISTS
               (SELECT 1 FROM caller_days d WHERE d.caller = c.id AND d.day >= $3 AND d.allowed > 0))
             WHERE place <= $4 ORDER BY key_id, place"
        ))
        .bind(workspace.to_string())
        .bind(json_list(keys))
        .bind(day_of(since))
        .bind(i64::from(most))
        .fetch_all(self.readers())
        .await?;
        let active = |row: &Row| {
            Ok(ActiveCaller {
                key: database::parsed(row, "key_id")?,
                caller: caller(row)?,
                callers: database::number(row, "callers")?,
            })
        };
        rows.iter().map(active).collect()
    }

    /// Returns the allowed requests of each caller of a key by permission, since the day of `since` (UTC).
    pub async fn caller_usage(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        since: Timestamp,
    ) -> Result<Vec<CallerUsage>, StoreError> {
        let rows = query(
            "SELECT d.caller, d.permission, sum(d.allowed) AS allowed
             FROM key_callers c JOIN keys k ON k.id = c.key_id JOIN caller_days d ON d.caller = c.id
             WHERE c.key_id = $2 AND k.workspace_id = $1 AND d.day >= $3
             GROUP BY d.caller, d.permission HAVING sum(d.allowed) > 0",
        )
        .bind(workspace.to_string())
        .bind(key.to_string())
        .bind(day_of(since))
        .fetch_all(self.readers())
        .await?;
        let used = |row: &Row| {
            let permission: &str = row.try_get("permission")?;
            Ok(CallerUsage {
                caller: row.try_get("caller")?,
                permission: permission.parse().ok(),
                allowed: database::number(row, "allowed")?,
            })
        };
        rows.iter().map(used).collect()
    }
}

fn caller(row: &Row) -> Result<CallerRow, StoreError> {
    let (kind, network): (&str, &str) = (row.try_get("kind")?, row.try_get("network")?);
    let corrupt = StoreError::Corrupt { what: "network" };
    let source = match kind {
        "network" => CallerSource::Network(network.parse().map_err(|_| corrupt)?),
        "rest" => CallerSource::Others,
        _ if network.is_empty() => CallerSource::Address(None),
        _ => CallerSource::Address(Some(network.parse().map_err(|_| corrupt)?)),
    };
    let (permission, refused): (&str, String) = (row.try_get("permission")?, row.try_get("refused")?);
    Ok(CallerRow {
        id: row.try_get("id")?,
        hint: Hint::parse(row.try_get("hint")?).ok_or(StoreError::Corrupt { what: "hint" })?,
        source,
        origin: row.try_get("origin")?,
        agent: row.try_get("agent")?,
        first: database::time(row, "first_at")?,
        last: database::time(row, "last_at")?,
        permission: permission.parse().ok(),
        last_denial: Some(refused).filter(|code| !code.is_empty()),
        allowed: database::number(row, "allowed")?,
        denied: database::number(row, "refusals")?,
    })
}
