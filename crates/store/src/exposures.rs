//! Exposures: where secrets were visible to others, on a page in a browser or in a URL.
//!
//! Exposures arrive in two ways: with the usage of a secret, which holds its first exposure, and with its callers,
//! which can hold several. They have their own table because callers are deleted after a while.

use keyrack_key::{Class, Exposure, Hint, KeyId, Timestamp, WorkspaceId};
use keyrack_rack::SanitizedText;

use crate::database::{self, Connection, Query, Row, query};
use crate::keys::json_list;
use crate::{Store, StoreError};

/// The most exposures of a secret that are stored. The limit keeps invented `Origin` headers from filling the table.
const EXPOSURES_MAX: i64 = 8;

/// A place where a secret that still works was exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposureRecord {
    pub key: KeyId,
    /// The hint of the exposed secret.
    pub hint: Hint,
    /// How others can read the secret there.
    pub exposure: Exposure,
    /// The origin of the calling page. Empty if the request had none.
    pub origin: SanitizedText<80>,
    /// The time of the first exposure.
    pub first: Timestamp,
    /// The time of the last exposure.
    pub last: Timestamp,
}

impl Store {
    /// Returns the exposures of the secrets that work at `now`, for several keys of a workspace: grouped by key, the
    /// latest first. An exposed secret that no longer works is harmless, so it is omitted.
    pub async fn exposures(
        &self,
        workspace: WorkspaceId,
        keys: &[KeyId],
        now: Timestamp,
    ) -> Result<Vec<ExposureRecord>, StoreError> {
        let rows = query(
            "SELECT g.key_id, g.hint, g.exposure, g.origin, g.first_at, g.last_at
             FROM key_sightings g JOIN keys k ON k.id = g.key_id
             WHERE k.workspace_id = $1 AND k.deleted_at IS NULL AND g.key_id IN (SELECT value FROM json_each($2))
               AND EXISTS (SELECT 1 FROM key_secrets s WHERE s.key_id = g.key_id AND s.hint = g.hint
                           AND (s.retires_at IS NULL OR s.retires_at > $3))
             ORDER BY g.key_id, g.last_at DESC, g.hint, g.exposure, g.origin",
        )
        .bind(workspace.to_string())
        .bind(json_list(keys))
        .bind(now.micros())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(exposure).collect()
    }
}

/// Updates a known exposure. A stored time after `$7`, which is now, came from a wrong clock and is replaced.
const UPDATE: &str = "UPDATE key_sightings SET
     first_at = CASE WHEN $5 < first_at THEN max($5, min(k.created_at, $7)) ELSE first_at END,
     last_at = CASE WHEN $6 > last_at OR last_at > $7 THEN max($6, min(k.created_at, $7)) ELSE last_at END
 FROM (SELECT created_at FROM keys WHERE id = $1) AS k
 WHERE key_id = $1 AND hint = $2 AND exposure = $3 AND origin = $4";

/// Inserts an exposure if the limit allows and the key has such a secret. Nodes could report anything.
const INSERT: &str = "INSERT INTO key_sightings (key_id, hint, exposure, origin, first_at, last_at)
 SELECT k.id, $2, $3, $4, max($5, min(k.created_at, $7)), max($6, min(k.created_at, $7)) FROM keys k
 WHERE k.id = $1 AND k.class = $8
   AND EXISTS (SELECT 1 FROM key_secrets s WHERE s.key_id = k.id AND s.hint = $2)
   AND (SELECT count(*) FROM key_sightings WHERE key_id = $1 AND hint = $2) < $9";

/// Stores an exposure at `now`, unless the key is publishable. The times must not be after `now`. Times before the
/// key's creation are moved to the creation.
pub(crate) async fn write_exposure(
    db: &mut Connection,
    record: &ExposureRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    if bind_exposure(UPDATE, record, now).execute(&mut *db).await?.rows_affected() == 0 {
        bind_exposure(INSERT, record, now).bind(Class::Secret.name()).bind(EXPOSURES_MAX).execute(db).await?;
    }
    Ok(())
}

fn bind_exposure(statement: &'static str, record: &ExposureRecord, now: Timestamp) -> Query {
    query(statement)
        .bind(record.key.to_string())
        .bind(record.hint.to_string())
        .bind(record.exposure.name())
        .bind(record.origin.as_str())
        .bind(record.first.micros())
        .bind(record.last.micros())
        .bind(now.micros())
}

fn exposure(row: &Row) -> Result<ExposureRecord, StoreError> {
    Ok(ExposureRecord {
        key: database::parsed(row, "key_id")?,
        hint: Hint::parse(row.try_get("hint")?).ok_or(StoreError::Corrupt { what: "hint" })?,
        exposure: database::parsed(row, "exposure")?,
        origin: SanitizedText::new(row.try_get::<&str>("origin")?.as_bytes()),
        first: database::time(row, "first_at")?,
        last: database::time(row, "last_at")?,
    })
}
