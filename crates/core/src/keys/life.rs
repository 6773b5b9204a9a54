//! Pausing and resuming a key, and ending a retiring secret early.

use std::time::Duration;

use keyrack_key::{KeyId, Pause, Timestamp};
use keyrack_store::{ChangeKey, KeyRow};

use super::{Keys, Propagation, retry_conflicts};
use crate::who::GrantedAuthority;
use crate::{AuthorizedCaller, Invalid, OpError};

/// The longest pause with an end. A longer pause has no end, and a caller resumes the key.
const LONGEST_PAUSE: Duration = Duration::from_hours(30 * 24);

/// A change to the state of a key.
#[derive(Clone, Copy)]
enum StateChange {
    /// Denies requests for this duration, or until the key is resumed.
    Pause(Option<Duration>),
    Resume,
    /// Ends the retiring secret.
    Retire,
}

impl Keys {
    /// Denies requests with a key for `span`, or until the key is resumed. When this function returns, this server and
    /// every confirmed node deny requests with the key. Any caller that may manage keys may pause a key, but a pause
    /// that ends before the current pause lets the key work sooner and needs the authority that a resumption needs.
    pub async fn pause(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        span: Option<Duration>,
    ) -> Result<(KeyRow, Propagation), OpError> {
        check_pause(span)?;
        self.change_state(by, id, StateChange::Pause(span)).await
    }

    /// Resumes a paused key. A key that is not paused stays as it is.
    pub async fn resume(&self, by: &AuthorizedCaller, id: KeyId) -> Result<(KeyRow, Propagation), OpError> {
        self.change_state(by, id, StateChange::Resume).await
    }

    /// Ends the retiring secret immediately. Every caller that may manage keys may do so, because this only reduces access.
    pub async fn retire(&self, by: &AuthorizedCaller, id: KeyId) -> Result<(KeyRow, Propagation), OpError> {
        self.change_state(by, id, StateChange::Retire).await
    }

    /// Retries when a concurrent change overtakes this change.
    async fn change_state(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        change: StateChange,
    ) -> Result<(KeyRow, Propagation), OpError> {
        retry_conflicts(|| self.change_state_once(by, id, change)).await
    }

    async fn change_state_once(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        change: StateChange,
    ) -> Result<(KeyRow, Propagation), OpError> {
        let now = (self.clock)();
        let before = self.existing_key(by, id).await?;
        if change.may_restore_access(&before, now) {
            by.check_grant(&GrantedAuthority::of(&before)?)?;
        }
        let (workspace, expected, actor) = (by.workspace, before.revision, by.actor());
        let (store, update) =
            (by.writes(&self.store, now), ChangeKey { workspace, id, expected, actor, now });
        let commit = async move {
            match change {
                StateChange::Pause(span) => store.pause_key(&update, span.map(|span| now.plus(span))).await,
                StateChange::Resume => store.resume_key(&update).await,
                StateChange::Retire => store.retire_key(&update).await,
            }
        };
        self.commit(commit).await
    }
}

/// Fails if `span` is not a valid duration of a pause.
pub(super) fn check_pause(span: Option<Duration>) -> Result<(), OpError> {
    if span.is_some_and(|span| span.is_zero() || span > LONGEST_PAUSE) {
        let expected = "Enter 1s to 30d, or leave it out to pause until resumed.";
        return Err(Invalid::field("duration", expected).into());
    }
    Ok(())
}

impl StateChange {
    /// Whether the key may work sooner because of this change.
    fn may_restore_access(self, before: &KeyRow, now: Timestamp) -> bool {
        match self {
            Self::Resume => true,
            Self::Retire => false,
            Self::Pause(span) => {
                let next = Pause::until(span.map(|span| now.plus(span)));
                before.terms.pause.is_some_and(|held| held.is_active(now) && next.ends_before(held))
            }
        }
    }
}
