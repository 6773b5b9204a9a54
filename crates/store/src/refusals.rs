//! Requests that were refused, so that whoever has the id of one can learn why.

use std::collections::HashMap;
use std::net::IpAddr;

use keyrack_key::{KeyId, Permission, Timestamp, WorkspaceId};

use crate::database::{self, Connection, Row, query};
use crate::{Store, StoreError};

/// How many of a key are kept of one hour: the last ones.
pub const REFUSALS_AN_HOUR: usize = 60;
/// How many are written at once: a deletion does not wait for more.
const BATCH: usize = 250;
const HOUR: i64 = 3_600_000_000;

/// One request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// Its id, as the answer told it.
    pub request: String,
    /// The key that it was made with.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// The code of the check that failed.
    pub refused: String,
    /// What was asked for, if that is known.
    pub permission: Option<Permission>,
    /// Where it came from, as the check saw it.
    pub address: Option<IpAddr>,
    /// The `Origin`, as the check saw it.
    pub origin: Option<String>,
    /// The program, as it called itself.
    pub agent: String,
    /// The method.
    pub method: String,
    /// The route, with the names of its parameters in place of what they were.
    pub route: String,
}

impl Store {
    /// Writes down refused requests, the oldest first. Of each key the last of an hour stay; a key that is not here is
    /// passed over.
    pub async fn note_refusals(&self, refused: &[RefusedRequest]) -> Result<(), StoreError> {
        for batch in worth_keeping(refused).chunks(BATCH) {
            let mut db = self.write_new_data().await?;
            for one in batch {
                put(&mut db, one).await?;
            }
            let mut hours: Vec<_> = batch.iter().map(|one| (one.key, hour_of(one.at))).collect();
            hours.sort_unstable_by_key(|(key, hour)| (*key.as_bytes(), *hour));
            hours.dedup();
            for (key, hour) in hours {
                forget_earlier(&mut db, key, hour).await?;
            }
            db.commit().await?;
        }
        Ok(())
    }

    /// The refused request with this id, if its key is of `workspace`.
    pub async fn refused_request(
        &self,
        workspace: WorkspaceId,
        request: &str,
    ) -> Result<Option<RefusedRequest>, StoreError> {
        let row = query(
            "SELECT r.* FROM key_refusals r JOIN keys k ON k.id = r.key_id WHERE r.request = $1 AND k.workspace_id = $2",
        )
        .bind(request.to_owned())
        .bind(workspace.to_string())
        .fetch_optional(self.readers())
        .await?;
        row.as_ref().map(refused).transpose()
    }

    /// The last refused requests with a key of a workspace, the last one first.
    pub async fn refused_requests(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        limit: u32,
    ) -> Result<Vec<RefusedRequest>, StoreError> {
        let rows = query(
            "SELECT r.* FROM key_refusals r JOIN keys k ON k.id = r.key_id
             WHERE r.key_id = $2 AND k.workspace_id = $1 ORDER BY r.at DESC LIMIT $3",
        )
        .bind(workspace.to_string())
        .bind(key.to_string())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(refused).collect()
    }
}

/// What would be forgotten again at once is not written.
fn worth_keeping(refused: &[RefusedRequest]) -> Vec<&RefusedRequest> {
    let mut kept: HashMap<(KeyId, i64), usize> = HashMap::new();
    let mut worth: Vec<_> = refused
        .iter()
        .rev()
        .filter(|one| {
            let of_hour = kept.entry((one.key, hour_of(one.at))).or_default();
            *of_hour += 1;
            *of_hour <= REFUSALS_AN_HOUR
        })
        .collect();
    worth.reverse();
    worth
}

const fn hour_of(time: Timestamp) -> i64 {
    time.micros() - time.micros().rem_euclid(HOUR)
}

async fn put(db: &mut Connection, one: &RefusedRequest) -> Result<(), StoreError> {
    query(
        "INSERT INTO key_refusals (request, key_id, at, refused, permission, address, origin, agent, method, route)
         SELECT $1, k.id, $3, $4, $5, $6, $7, $8, $9, $10 FROM keys k WHERE k.id = $2
         ON CONFLICT (request) DO NOTHING",
    )
    .bind(one.request.clone())
    .bind(one.key.to_string())
    .bind(one.at.micros())
    .bind(one.refused.clone())
    .bind(one.permission.map(Permission::name))
    .bind(one.address.map(|address| address.to_string()))
    .bind(one.origin.clone())
    .bind(one.agent.clone())
    .bind(one.method.clone())
    .bind(one.route.clone())
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets all of an hour but the last ones.
async fn forget_earlier(db: &mut Connection, key: KeyId, hour: i64) -> Result<(), StoreError> {
    query(
        "DELETE FROM key_refusals WHERE request IN (
             SELECT request FROM key_refusals WHERE key_id = $1 AND at >= $2 AND at < $3
             ORDER BY at DESC, request DESC LIMIT $4 OFFSET $5)",
    )
    .bind(key.to_string())
    .bind(hour)
    .bind(hour + HOUR)
    .bind(i64::try_from(BATCH).unwrap_or(i64::MAX))
    .bind(i64::try_from(REFUSALS_AN_HOUR).unwrap_or(i64::MAX))
    .execute(db)
    .await?;
    Ok(())
}

fn refused(row: &Row) -> Result<RefusedRequest, StoreError> {
    let permission: Option<&str> = row.try_get("permission")?;
    Ok(RefusedRequest {
        request: row.try_get("request")?,
        key: database::parsed(row, "key_id")?,
        at: database::time(row, "at")?,
        refused: row.try_get("refused")?,
        // One that this version does not know was asked for by a newer one.
        permission: permission.and_then(|name| name.parse().ok()),
        address: database::parsed_if_any(row, "address")?,
        origin: row.try_get("origin")?,
        agent: row.try_get("agent")?,
        method: row.try_get("method")?,
        route: row.try_get("route")?,
    })
}
