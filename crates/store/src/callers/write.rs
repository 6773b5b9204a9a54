//! Writes the callers of each key. Beyond a limit, callers are stored less precisely, but still counted.

use ipnet::IpNet;
use keyrack_key::{Exposure, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::CallGroup;

use crate::database::{self, Connection, query};
use crate::exposures::{ExposureRecord, write_exposure};
use crate::usage::{belongs_to, day_of};
use crate::{Store, StoreError};

/// The most rows that are written in a transaction, so that a deletion doesn't wait long.
const BATCH: usize = 250;
/// The number of callers of a key that are stored with their address.
const ADDRESSES_MAX: u64 = 100;
/// The number of callers of a key, including those that are stored by network. Further callers share a row.
const CALLERS_MAX: u64 = 200;

impl Store {
    /// Stores the result of [`CallerLog::drain`](keyrack_rack::CallerLog::drain) at the time `now`. Skips unknown keys.
    pub async fn store_callers(&self, calls: &[CallGroup], now: Timestamp) -> Result<(), StoreError> {
        for batch in calls.chunks(BATCH) {
            let mut db = self.write_new_data().await?;
            write_callers(&mut db, batch, None, now).await?;
            db.commit().await?;
        }
        Ok(())
    }
}

/// Stores calls. With a `workspace`, skips keys of other workspaces.
pub(crate) async fn write_callers(
    db: &mut Connection,
    calls: &[CallGroup],
    workspace: Option<WorkspaceId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for calls in calls {
        if belongs_to(db, calls.key, workspace).await? {
            // Clamp the times, so that the wrong clock of another machine creates no caller in the
            // future or before the key.
            let Some(created) = created(db, calls.key).await? else { continue };
            let last = calls.last.max(created).min(now);
            let calls = CallGroup { last, first: calls.first.max(created).min(last), ..*calls };
            if calls.exposure != Exposure::None {
                let CallGroup { key, hint, exposure, origin, first, last, .. } = calls;
                write_exposure(db, &ExposureRecord { key, hint, exposure, origin, first, last }, now).await?;
            }
            if let Some(caller) = caller(db, &calls, now).await? {
                count(db, caller, &calls).await?;
            }
        }
    }
    Ok(())
}

async fn created(db: &mut Connection, key: KeyId) -> Result<Option<Timestamp>, StoreError> {
    let row =
        query("SELECT created_at FROM keys WHERE id = $1").bind(key.to_string()).fetch_optional(db).await?;
    row.map(|row| database::time(&row, "created_at")).transpose()
}

/// The fields that identify a stored caller.
struct CallerIdentity {
    kind: &'static str,
    network: String,
    origin: String,
    agent: String,
}

impl CallerIdentity {
    fn by_address(calls: &CallGroup) -> Self {
        Self {
            kind: "address",
            network: calls.address.map(|address| address.to_string()).unwrap_or_default(),
            origin: calls.origin.as_str().to_owned(),
            agent: calls.agent.as_str().to_owned(),
        }
    }

    /// Identifies the caller by its IPv4 /24 or IPv6 /64 network, which a household or rack usually has.
    fn by_network(calls: &CallGroup) -> Option<Self> {
        let address = calls.address?.to_canonical();
        let prefix = if address.is_ipv4() { 24 } else { 64 };
        let network = IpNet::new(address, prefix).ok()?.trunc().to_string();
        let origin = calls.origin.as_str().to_owned();
        Some(Self { kind: "network", network, origin, agent: String::new() })
    }

    fn others() -> Self {
        Self { kind: "rest", network: String::new(), origin: String::new(), agent: String::new() }
    }
}

/// Finds or creates the row of the caller. Returns `None` if the key doesn't exist.
async fn caller(db: &mut Connection, calls: &CallGroup, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let exact = CallerIdentity::by_address(calls);
    if let Some(found) = write(db, UPDATE, calls, &exact, now).await? {
        return Ok(Some(found));
    }
    let there = callers(db, calls).await?;
    if there < ADDRESSES_MAX {
        return write(db, UPSERT, calls, &exact, now).await;
    }
    if let Some(network) = CallerIdentity::by_network(calls) {
        match write(db, UPDATE, calls, &network, now).await? {
            Some(found) => return Ok(Some(found)),
            None if there < CALLERS_MAX => return write(db, UPSERT, calls, &network, now).await,
            None => {}
        }
    }
    write(db, UPSERT, calls, &CallerIdentity::others(), now).await
}

async fn callers(db: &mut Connection, calls: &CallGroup) -> Result<u64, StoreError> {
    let row = query("SELECT count(*) AS callers FROM key_callers WHERE key_id = $1")
        .bind(calls.key.to_string())
        .fetch_one(db)
        .await?;
    database::number(&row, "callers")
}

/// Updates a known caller. A late report doesn't overwrite a later one, unless that one has a time
/// after `$11`, which is now.
const UPDATE: &str = "UPDATE key_callers SET
     first_at = CASE WHEN $7 < first_at THEN $7 ELSE first_at END,
     last_at = CASE WHEN $8 > last_at OR last_at > $11 THEN $8 ELSE last_at END,
     permission = CASE WHEN $8 >= last_at OR last_at > $11 THEN $9 ELSE permission END,
     refused = CASE WHEN $10 <> '' THEN $10 ELSE refused END
 WHERE key_id = $1 AND hint = $2 AND kind = $3 AND network = $4 AND origin = $5 AND agent = $6
 RETURNING id";

/// Inserts a caller or updates a known one.
const UPSERT: &str = "INSERT INTO key_callers (key_id, hint, kind, network, origin, agent, first_at, last_at, permission, refused)
 SELECT k.id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM keys k WHERE k.id = $1
 ON CONFLICT (key_id, hint, kind, network, origin, agent) DO UPDATE SET
     permission = CASE WHEN excluded.last_at >= key_callers.last_at OR key_callers.last_at > $11 THEN excluded.permission ELSE key_callers.permission END,
     refused = CASE WHEN excluded.refused <> '' THEN excluded.refused ELSE key_callers.refused END,
     first_at = CASE WHEN excluded.first_at < key_callers.first_at THEN excluded.first_at ELSE key_callers.first_at END,
     last_at = CASE WHEN excluded.last_at > key_callers.last_at OR key_callers.last_at > $11 THEN excluded.last_at ELSE key_callers.last_at END
 RETURNING id";

/// Runs one of the two statements. Returns the caller's ID if the row exists afterward.
async fn write(
    db: &mut Connection,
    statement: &'static str,
    calls: &CallGroup,
    identity: &CallerIdentity,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let row = query(statement)
        .bind(calls.key.to_string())
        .bind(calls.hint.to_string())
        .bind(identity.kind)
        .bind(identity.network.clone())
        .bind(identity.origin.clone())
        .bind(identity.agent.clone())
        .bind(calls.first.micros())
        .bind(calls.last.micros())
        .bind(calls.outcome.permission.map_or("", Permission::name))
        .bind(calls.outcome.denied.unwrap_or_default())
        .bind(now.micros())
        .fetch_optional(db)
        .await?;
    row.map(|row| row.try_get("id")).transpose()
}

async fn count(db: &mut Connection, caller: i64, calls: &CallGroup) -> Result<(), StoreError> {
    let number = i64::from(calls.count);
    let (allowed, refused) = if calls.outcome.denied.is_none() { (number, 0) } else { (0, number) };
    query(
        "INSERT INTO caller_days (caller, day, permission, allowed, refused) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (caller, day, permission) DO UPDATE SET
             allowed = caller_days.allowed + excluded.allowed, refused = caller_days.refused + excluded.refused",
    )
    .bind(caller)
    .bind(day_of(calls.last))
    .bind(calls.outcome.permission.map_or("", Permission::name))
    .bind(allowed)
    .bind(refused)
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_networks_have_24_or_64_bits() {
        let network = |address: &str| {
            let call = keyrack_rack::Call {
                workspace: "wsp_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap(),
                key: "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap(),
                hint: keyrack_key::Hint::parse("9fQ2").unwrap(),
                at: Timestamp::from_micros(0),
                address: address.parse().ok(),
                origin: b"",
                agent: b"a",
                exposure: keyrack_key::Exposure::None,
                outcome: keyrack_rack::Outcome { permission: None, denied: None },
            };
            CallerIdentity::by_network(&CallGroup::one(&call)).map(|identity| identity.network)
        };
        assert_eq!(network("203.0.113.9").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("::ffff:203.0.113.9").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(network("nowhere"), None);
    }
}
