//! Browser sessions, stored with the digest of their cookie.

use std::net::IpAddr;
use std::time::Duration;

use keyrack_key::{Digest, SessionId, Timestamp, UserId};

use crate::database::{self, Row, query};
use crate::people::{self, User};
use crate::{AuthorizedStore, Store, StoreError};

/// A session to create.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    pub id: SessionId,
    /// The digest of the cookie.
    pub digest: Digest,
    pub user: UserId,
    /// The address of the browser, if known.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header of the browser.
    pub agent: Option<&'a str>,
    /// The time of sign-in.
    pub now: Timestamp,
    /// The latest time at which the session ends.
    pub expires_at: Timestamp,
}

/// A browser session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    /// The address of the browser at sign-in, if known.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header of the browser.
    pub agent: Option<String>,
    /// The time of sign-in.
    pub created_at: Timestamp,
    /// The time of the last recorded use.
    pub seen_at: Timestamp,
    /// The latest time at which the session ends.
    pub expires_at: Timestamp,
}

impl Store {
    /// Creates a session.
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

    /// Returns the session with this cookie digest and its person. The caller must check
    /// whether the session has expired.
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

    /// Records that a session was used. Call it occasionally, not for each request, because it writes.
    pub async fn touch_session(&self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let query = query("UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2")
            .bind(id.to_string())
            .bind(now.micros());
        self.change(query).await?;
        Ok(())
    }

    /// Returns the sessions of `user`, the most recently used first.
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

    /// Deletes the sessions that have expired or weren't used for `idle`. Returns the number of deleted sessions.
    pub async fn delete_expired_sessions(&self, now: Timestamp, idle: Duration) -> Result<u64, StoreError> {
        let query = query("DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2")
            .bind(now.micros())
            .bind(now.minus(idle).micros())
            .blocking();
        self.change(query).await
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Ends a session of `user`. Returns whether it existed.
    pub async fn end_session(&self, user: UserId, id: SessionId) -> Result<bool, StoreError> {
        let query = query("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
            .bind(user.to_string())
            .bind(id.to_string());
        Ok(self.change(query).await? > 0)
    }

    /// Ends all sessions of `user` but `keep`. Returns the number of ended sessions.
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
