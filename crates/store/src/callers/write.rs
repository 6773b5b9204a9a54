//! Writing down who called. Each key has room for so many: what comes later is kept less precisely, and counted all the same.

use ipnet::IpNet;
use keyrack_key::{Exposure, KeyId, Permission, Timestamp, WorkspaceId};
use keyrack_rack::Calls;

use crate::database::{self, Connection, query};
use crate::sightings::{Sighting, write_sighting};
use crate::uses::is_of;
use crate::{Store, StoreError};

/// How many are written at once: a deletion does not wait for more.
const BATCH: usize = 250;
/// Callers of a key that are kept with their address.
const EXACT: u64 = 100;
/// With those that are kept by their network. Whoever comes later is one of the rest.
const MOST: u64 = 200;
const DAY: i64 = 86_400_000_000;

impl Store {
    /// Writes down what [`Callers::drain`](keyrack_rack::Callers::drain) gave at `now`. A key that is not here is passed over.
    pub async fn note_callers(&self, calls: &[Calls], now: Timestamp) -> Result<(), StoreError> {
        for batch in calls.chunks(BATCH) {
            let mut db = self.write_new_data().await?;
            write_callers(&mut db, batch, None, now).await?;
            db.commit().await?;
        }
        Ok(())
    }
}

/// The same for keys of `workspace` alone, if one is named.
pub(crate) async fn write_callers(
    db: &mut Connection,
    calls: &[Calls],
    workspace: Option<WorkspaceId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for calls in calls {
        if is_of(db, calls.key, workspace).await? {
            // No clock of another machine makes a caller of tomorrow, or of a time before the key.
            let Some(created) = created(db, calls.key).await? else { continue };
            let last = calls.last.max(created).min(now);
            let calls = Calls { last, first: calls.first.max(created).min(last), ..*calls };
            if calls.exposure != Exposure::None {
                let Calls { key, hint, exposure, origin, first, last, .. } = calls;
                write_sighting(db, &Sighting { key, hint, exposure, origin, first, last }, now).await?;
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

/// Who somebody is kept as.
struct Kept {
    kind: &'static str,
    network: String,
    origin: String,
    agent: String,
}

impl Kept {
    fn exactly(calls: &Calls) -> Self {
        Self {
            kind: "address",
            network: calls.address.map(|address| address.to_string()).unwrap_or_default(),
            origin: calls.origin.as_str().to_owned(),
            agent: calls.agent.as_str().to_owned(),
        }
    }

    /// By IPv4 /24 or IPv6 /64: what one household or rack is given.
    fn by_network(calls: &Calls) -> Option<Self> {
        let address = calls.address?.to_canonical();
        let prefix = if address.is_ipv4() { 24 } else { 64 };
        let network = IpNet::new(address, prefix).ok()?.trunc().to_string();
        let origin = calls.origin.as_str().to_owned();
        Some(Self { kind: "network", network, origin, agent: String::new() })
    }

    fn among_the_rest() -> Self {
        Self { kind: "rest", network: String::new(), origin: String::new(), agent: String::new() }
    }
}

/// The row of whoever called; nothing where there is no such key.
async fn caller(db: &mut Connection, calls: &Calls, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let exact = Kept::exactly(calls);
    if let Some(found) = write(db, AGAIN, calls, &exact, now).await? {
        return Ok(Some(found));
    }
    let there = callers(db, calls).await?;
    if there < EXACT {
        return write(db, PUT, calls, &exact, now).await;
    }
    if let Some(network) = Kept::by_network(calls) {
        match write(db, AGAIN, calls, &network, now).await? {
            Some(found) => return Ok(Some(found)),
            None if there < MOST => return write(db, PUT, calls, &network, now).await,
            None => {}
        }
    }
    write(db, PUT, calls, &Kept::among_the_rest(), now).await
}

async fn callers(db: &mut Connection, calls: &Calls) -> Result<u64, StoreError> {
    let row = query("SELECT count(*) AS callers FROM key_callers WHERE key_id = $1")
        .bind(calls.key.to_string())
        .fetch_one(db)
        .await?;
    database::number(&row, "callers")
}

/// Notes that somebody who is known called again. What is reported late changes no later word, unless that claims to come
/// after $11, which is now.
const AGAIN: &str = "UPDATE key_callers SET
     first_at = CASE WHEN $7 < first_at THEN $7 ELSE first_at END,
     last_at = CASE WHEN $8 > last_at OR last_at > $11 THEN $8 ELSE last_at END,
     permission = CASE WHEN $8 >= last_at OR last_at > $11 THEN $9 ELSE permission END,
     refused = CASE WHEN $10 <> '' THEN $10 ELSE refused END
 WHERE key_id = $1 AND hint = $2 AND kind = $3 AND network = $4 AND origin = $5 AND agent = $6
 RETURNING id";

/// The same about somebody who may be new.
const PUT: &str = "INSERT INTO key_callers (key_id, hint, kind, network, origin, agent, first_at, last_at, permission, refused)
 SELECT k.id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM keys k WHERE k.id = $1
 ON CONFLICT (key_id, hint, kind, network, origin, agent) DO UPDATE SET
     permission = CASE WHEN excluded.last_at >= key_callers.last_at OR key_callers.last_at > $11 THEN excluded.permission ELSE key_callers.permission END,
     refused = CASE WHEN excluded.refused <> '' THEN excluded.refused ELSE key_callers.refused END,
     first_at = CASE WHEN excluded.first_at < key_callers.first_at THEN excluded.first_at ELSE key_callers.first_at END,
     last_at = CASE WHEN excluded.last_at > key_callers.last_at OR key_callers.last_at > $11 THEN excluded.last_at ELSE key_callers.last_at END
 RETURNING id";

/// Runs one of the two; the caller's number, if it is there afterwards.
async fn write(
    db: &mut Connection,
    statement: &'static str,
    calls: &Calls,
    kept: &Kept,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let row = query(statement)
        .bind(calls.key.to_string())
        .bind(calls.hint.to_string())
        .bind(kept.kind)
        .bind(kept.network.clone())
        .bind(kept.origin.clone())
        .bind(kept.agent.clone())
        .bind(calls.first.micros())
        .bind(calls.last.micros())
        .bind(calls.outcome.permission.map_or("", Permission::name))
        .bind(calls.outcome.refused.unwrap_or_default())
        .bind(now.micros())
        .fetch_optional(db)
        .await?;
    row.map(|row| row.try_get("id")).transpose()
}

async fn count(db: &mut Connection, caller: i64, calls: &Calls) -> Result<(), StoreError> {
    let number = i64::from(calls.number);
    let (allowed, refused) = if calls.outcome.refused.is_none() { (number, 0) } else { (0, number) };
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

/// When the day of a moment began, UTC.
pub(crate) const fn day_of(time: Timestamp) -> i64 {
    time.micros() - time.micros().rem_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_24_and_64_bits() {
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
                outcome: keyrack_rack::Outcome { permission: None, refused: None },
            };
            Kept::by_network(&Calls::one(&call)).map(|kept| kept.network)
        };
        assert_eq!(network("203.0.113.9").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("::ffff:203.0.113.9").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(network("nowhere"), None);
    }
}
