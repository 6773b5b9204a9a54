//! Where secrets of keys were seen by others: on a page in a browser, or in a URL.
//!
//! It comes in two ways: with what a secret was used for, where each secret has a place for its first exposure, and with who
//! called, where there is room for more of them. It is kept apart because callers are forgotten after a while.

use keyrack_key::{Class, Exposure, Hint, KeyId, Timestamp, WorkspaceId};
use keyrack_rack::Words;

use crate::database::{self, Connection, Query, Row, query};
use crate::{Store, StoreError};

/// Places of one secret that are kept, the first ones: what somebody writes into a header makes no more rows.
const MOST: i64 = 8;

/// A place where a secret that still works was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The key.
    pub key: KeyId,
    /// Which of its secrets.
    pub hint: Hint,
    /// How others can read it there.
    pub exposure: Exposure,
    /// The origin of the page that called; empty where it named none.
    pub origin: Words<80>,
    /// When it was first seen there.
    pub first: Timestamp,
    /// When it was last seen there.
    pub last: Timestamp,
}

impl Store {
    /// Where secrets of several keys of a workspace were seen that work at `now`: those of each key together, the last one
    /// first. Of a secret that has ended nothing is told: whoever has seen it has nothing.
    pub async fn sightings(
        &self,
        workspace: WorkspaceId,
        keys: &[KeyId],
        now: Timestamp,
    ) -> Result<Vec<Sighting>, StoreError> {
        let keys: Vec<_> = keys.iter().map(KeyId::to_string).collect();
        let rows = query(
            "SELECT g.key_id, g.hint, g.exposure, g.origin, g.first_at, g.last_at
             FROM key_sightings g JOIN keys k ON k.id = g.key_id
             WHERE k.workspace_id = $1 AND k.deleted_at IS NULL AND g.key_id IN (SELECT value FROM json_each($2))
               AND EXISTS (SELECT 1 FROM key_secrets s WHERE s.key_id = g.key_id AND s.hint = g.hint
                           AND (s.retires_at IS NULL OR s.retires_at > $3))
             ORDER BY g.key_id, g.last_at DESC, g.hint, g.exposure, g.origin",
        )
        .bind(workspace.to_string())
        .bind(serde_json::Value::from(keys).to_string())
        .bind(now.micros())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(sighting).collect()
    }
}

/// A place that is known. A time after $7, which is now, was set by a clock that was wrong: it does not stay.
const AGAIN: &str = "UPDATE key_sightings SET
     first_at = CASE WHEN $5 < first_at THEN max($5, min(k.created_at, $7)) ELSE first_at END,
     last_at = CASE WHEN $6 > last_at OR last_at > $7 THEN max($6, min(k.created_at, $7)) ELSE last_at END
 FROM (SELECT created_at FROM keys WHERE id = $1) AS k
 WHERE key_id = $1 AND hint = $2 AND exposure = $3 AND origin = $4";

/// Another place, if there is room for it, and the key has that secret: services elsewhere report what they like.
const PUT: &str = "INSERT INTO key_sightings (key_id, hint, exposure, origin, first_at, last_at)
 SELECT k.id, $2, $3, $4, max($5, min(k.created_at, $7)), max($6, min(k.created_at, $7)) FROM keys k
 WHERE k.id = $1 AND k.class = $8
   AND EXISTS (SELECT 1 FROM key_secrets s WHERE s.key_id = k.id AND s.hint = $2)
   AND (SELECT count(*) FROM key_sightings WHERE key_id = $1 AND hint = $2) < $9";

/// Notes at `now` that a secret was seen; not of a key that is made to be seen. Its times are not after `now`, and count as
/// those of the key's creation if they are before it.
pub(crate) async fn write_sighting(
    db: &mut Connection,
    sighting: &Sighting,
    now: Timestamp,
) -> Result<(), StoreError> {
    if about(AGAIN, sighting, now).execute(&mut *db).await?.rows_affected() == 0 {
        about(PUT, sighting, now).bind(Class::Secret.name()).bind(MOST).execute(db).await?;
    }
    Ok(())
}

fn about(statement: &'static str, sighting: &Sighting, now: Timestamp) -> Query {
    query(statement)
        .bind(sighting.key.to_string())
        .bind(sighting.hint.to_string())
        .bind(sighting.exposure.name())
        .bind(sighting.origin.as_str())
        .bind(sighting.first.micros())
        .bind(sighting.last.micros())
        .bind(now.micros())
}

fn sighting(row: &Row) -> Result<Sighting, StoreError> {
    Ok(Sighting {
        key: database::parsed(row, "key_id")?,
        hint: Hint::parse(row.try_get("hint")?).ok_or(StoreError::Corrupt { what: "hint" })?,
        exposure: database::parsed(row, "exposure")?,
        origin: Words::new(row.try_get::<&str>("origin")?.as_bytes()),
        first: database::time(row, "first_at")?,
        last: database::time(row, "last_at")?,
    })
}
