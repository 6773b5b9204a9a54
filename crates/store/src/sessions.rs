//! Browser sessions: found by the digest of their cookie, listed and ended by their owner.

use std::net::IpAddr;
use std::time::Duration;

use keyrack_key::{Digest, SessionId, Timestamp, UserId};

use crate::database::{self, Row, query};
use crate::people::{self, User};
use crate::{AuthorizedStore, Store, StoreError};

/// A session that is about to begin.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: SessionId,
    /// What is kept of its cookie.
    pub digest: Digest,
    /// Whose it is.
    pub user: UserId,
    /// From where, if known.
    pub address: Option<IpAddr>,
    /// With which browser, as it calls itself.
    pub agent: Option<&'a str>,
    /// When.
    pub now: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// A browser session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// From where it began, if known.
    pub address: Option<IpAddr>,
    /// With which browser, as it calls itself.
    pub agent: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last noted to be used.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

impl Store {
    /// Begins a session.
    pub async fn create_session(&self, new: &NewSession<'_>) -> Result<(), StoreError> {
        let query = query(
            "INSERT INTO sessions (id, digest, user_id, created_at, seen_at, expires_at, address, agent)
             VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
        )
        .bind(new.id.to_string())
        .bind(new.digest.as_bytes().to_vec())
        .bind(new.user.to_string())
        .bind(new.now.micros())
        .bind(new.expires_at.micros())
        .bind(new.address.map(|address| address.to_string()))
        .bind(new.agent.map(str::to_owned));
        self.change(query).await?;
        Ok(())
    }

    /// The session with this cookie and whose it is. Whether it still runs is told by its times.
    pub async fn session_by_digest(&self, digest: Digest) -> Result<Option<(Session, User)>, StoreError> {
        let row = query(
            "SELECT u.*, s.id AS session_id, s.user_id, s.created_at AS began_at, s.seen_at, s.expires_at,
                    s.address, s.agent
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.digest = $1",
        )
        .bind(&digest.as_bytes()[..])
        .fetch_optional(self.readers())
        .await?;
        row.map(|row| Ok((session(&row)?, people::user(&row)?))).transpose()
    }

    /// Notes that a session is used. Call it now and then, not for each request: it is a write.
    pub async fn touch_session(&self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let query = query("UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2")
            .bind(id.to_string())
            .bind(now.micros());
        self.change(query).await?;
        Ok(())
    }

    /// The sessions of `user`, the last seen first.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        query(
            "SELECT s.id AS session_id, s.user_id, s.created_at AS began_at, s.seen_at, s.expires_at, s.address, s.agent
             FROM sessions s WHERE s.user_id = $1 ORDER BY s.seen_at DESC, s.id",
        )
        .bind(user.to_string())
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(session)
        .collect()
    }

    /// Removes the sessions whose time is over and those that were not seen for `idle`; how many there were.
    pub async fn end_expired(&self, now: Timestamp, idle: Duration) -> Result<u64, StoreError> {
        let query = query("DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2")
            .bind(now.micros())
            .bind(now.minus(idle).micros())
            .aside();
        self.change(query).await
    }
}

/// Each verifies within its transaction that the principal may still write.
impl AuthorizedStore {
    /// Ends a session of `user`; whether there was one.
    pub async fn end_session(&self, user: UserId, id: SessionId) -> Result<bool, StoreError> {
        let query = query("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
            .bind(user.to_string())
            .bind(id.to_string());
        Ok(self.change(query).await? > 0)
    }

    /// Ends all sessions of `user` but one; how many there were.
    pub async fn end_other_sessions(&self, user: UserId, keep: SessionId) -> Result<u64, StoreError> {
        let query = query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
            .bind(user.to_string())
            .bind(keep.to_string());
        self.change(query).await
    }
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let address: Option<&str> = row.try_get("address")?;
    Ok(Session {
        id: database::parsed(row, "session_id")?,
        user: database::parsed(row, "user_id")?,
        address: address.and_then(|text| text.parse().ok()),
        agent: row.try_get("agent")?,
        created_at: database::time(row, "began_at")?,
        seen_at: database::time(row, "seen_at")?,
        expires_at: database::time(row, "expires_at")?,
    })
}
