//! Denied requests, so that people can look up by request ID why a request was denied.

use std::collections::HashMap;
use std::net::IpAddr;

use keyrack_key::{KeyId, Permission, Timestamp, WorkspaceId};

use crate::database::{self, Connection, Row, query};
use crate::{Store, StoreError};

/// The most denied requests of a key that are stored per hour. The latest ones are kept.
pub const DENIALS_PER_HOUR_MAX: usize = 60;
/// The most rows that are written in a transaction, so that a deletion doesn't wait long.
const BATCH: usize = 250;
const HOUR: i64 = 3_600_000_000;

/// A denied request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeniedRequest {
    /// The request ID, as in the response.
    pub request: String,
    /// The key of the request.
    pub key: KeyId,
    /// The time of the request.
    pub at: Timestamp,
    /// The code of the denial.
    pub code: String,
    /// The required permission, if it is known.
    pub permission: Option<Permission>,
    /// The caller's address, as the check used it.
    pub address: Option<IpAddr>,
    /// The `Origin` header, as the check used it.
    pub origin: Option<String>,
    /// The `User-Agent` header.
    pub agent: String,
    /// The HTTP method.
    pub method: String,
    /// The route, with parameter names in place of their values.
    pub route: String,
}

impl Store {
    /// Stores denied requests, sorted from oldest to newest. Of each key and hour, only the latest are
    /// kept. Skips unknown keys.
    pub async fn store_denied_requests(&self, denied: &[DeniedRequest]) -> Result<(), StoreError> {
        for batch in latest_of_each_hour(denied).chunks(BATCH) {
            let mut db = self.write_new_data().await?;
            for one in batch {
                insert(&mut db, one).await?;
            }
            let mut hours: Vec<_> = batch.iter().map(|one| (one.key, hour_of(one.at))).collect();
            hours.sort_unstable_by_key(|(key, hour)| (*key.as_bytes(), *hour));
            hours.dedup();
            for (key, hour) in hours {
                delete_earlier(&mut db, key, hour).await?;
            }
            db.commit().await?;
        }
        Ok(())
    }

    /// Returns the denied request with this ID, if its key belongs to `workspace`.
    pub async fn denied_request(
        &self,
        workspace: WorkspaceId,
        request: &str,
    ) -> Result<Option<DeniedRequest>, StoreError> {
        let row = query(
            "SELECT r.* FROM key_refusals r JOIN keys k ON k.id = r.key_id WHERE r.request = $1 AND k.workspace_id = $2",
        )
        .bind(request.to_owned())
        .bind(workspace.to_string())
        .fetch_optional(self.readers())
        .await?;
        row.as_ref().map(denied_request).transpose()
    }

    /// Returns the latest denied requests of a key, the latest first.
    pub async fn denied_requests(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        limit: u32,
    ) -> Result<Vec<DeniedRequest>, StoreError> {
        let rows = query(
            "SELECT r.* FROM key_refusals r JOIN keys k ON k.id = r.key_id
             WHERE r.key_id = $2 AND k.workspace_id = $1 ORDER BY r.at DESC LIMIT $3",
        )
        .bind(workspace.to_string())
        .bind(key.to_string())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(denied_request).collect()
    }
}

/// Drops requests that would be deleted again right away.
fn latest_of_each_hour(denied: &[DeniedRequest]) -> Vec<&DeniedRequest> {
    let mut kept: HashMap<(KeyId, i64), usize> = HashMap::new();
    let mut latest: Vec<_> = denied
        .iter()
        .rev()
        .filter(|one| {
            let of_hour = kept.entry((one.key, hour_of(one.at))).or_default();
            *of_hour += 1;
            *of_hour <= DENIALS_PER_HOUR_MAX
        })
        .collect();
    latest.reverse();
    latest
}

const fn hour_of(time: Timestamp) -> i64 {
    time.micros() - time.micros().rem_euclid(HOUR)
}

async fn insert(db: &mut Connection, one: &DeniedRequest) -> Result<(), StoreError> {
    query(
        "INSERT INTO key_refusals (request, key_id, at, refused, permission, address, origin, agent, method, route)
         SELECT $1, k.id, $3, $4, $5, $6, $7, $8, $9, $10 FROM keys k WHERE k.id = $2
         ON CONFLICT (request) DO NOTHING",
    )
    .bind(one.request.clone())
    .bind(one.key.to_string())
    .bind(one.at.micros())
    .bind(one.code.clone())
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

/// Deletes all denied requests of an hour but the latest.
async fn delete_earlier(db: &mut Connection, key: KeyId, hour: i64) -> Result<(), StoreError> {
    query(
        "DELETE FROM key_refusals WHERE request IN (
             SELECT request FROM key_refusals WHERE key_id = $1 AND at >= $2 AND at < $3
             ORDER BY at DESC, request DESC LIMIT $4 OFFSET $5)",
    )
    .bind(key.to_string())
    .bind(hour)
    .bind(hour + HOUR)
    .bind(i64::try_from(BATCH).unwrap_or(i64::MAX))
    .bind(i64::try_from(DENIALS_PER_HOUR_MAX).unwrap_or(i64::MAX))
    .execute(db)
    .await?;
    Ok(())
}

fn denied_request(row: &Row) -> Result<DeniedRequest, StoreError> {
    let permission: Option<&str> = row.try_get("permission")?;
    Ok(DeniedRequest {
        request: row.try_get("request")?,
        key: database::parsed(row, "key_id")?,
        at: database::time(row, "at")?,
        code: row.try_get("refused")?,
        // A newer version may have stored a permission that this version doesn't know.
        permission: permission.and_then(|name| name.parse().ok()),
        address: database::parsed_optional(row, "address")?,
        origin: row.try_get("origin")?,
        agent: row.try_get("agent")?,
        method: row.try_get("method")?,
        route: row.try_get("route")?,
    })
}
