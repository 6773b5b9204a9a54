//! Pause, resume, and the end of an old secret before its time.

use std::time::Duration;

use keyrack_key::{KeyId, Pause, Timestamp};
use keyrack_store::{ChangeKey, ExpiringKey, KeyRow};

use super::{Keys, Propagation, TRIES};
use crate::who::Reach;
use crate::{Acting, Invalid, OpError};

/// The longest pause that ends by itself. Who wants a longer one decides about its end when it is there.
const LONGEST_PAUSE: Duration = Duration::from_hours(30 * 24);

/// What happens to a key in the middle of its life.
#[derive(Clone, Copy)]
enum Turn {
    /// It is refused for so long, or until it is resumed.
    Pause(Option<Duration>),
    Resume,
    /// Its old secret ends.
    Retire,
}

impl Keys {
    /// Has a key refused for `span`, or until it is resumed. When this returns, no request with it is accepted any more.
    /// Whoever may manage keys may pause each; but a pause that would end before the one that is there lets the key work
    /// sooner, and is given like a resumption.
    pub async fn pause(
        &self,
        by: &Acting,
        id: KeyId,
        span: Option<Duration>,
    ) -> Result<(KeyRow, Propagation), OpError> {
        if span.is_some_and(|span| span.is_zero() || span > LONGEST_PAUSE) {
            return Err(Invalid::field(
                "duration",
                "expected 1s to 30d; leave it out to pause until resumed",
            )
            .into());
        }
        self.turn(by, id, Turn::Pause(span)).await
    }

    /// Lets a key that is paused work again. One that is not stays as it is.
    pub async fn resume(&self, by: &Acting, id: KeyId) -> Result<(KeyRow, Propagation), OpError> {
        self.turn(by, id, Turn::Resume).await
    }

    /// Ends the secret that retires, now. Like a deletion it only takes away, and is always allowed.
    pub async fn retire(&self, by: &Acting, id: KeyId) -> Result<(KeyRow, Propagation), OpError> {
        self.turn(by, id, Turn::Retire).await
    }

    /// The keys that end by themselves within `span`, the next to end first; up to `limit`.
    pub async fn expiring(
        &self,
        by: &Acting,
        span: Duration,
        limit: u32,
    ) -> Result<Vec<ExpiringKey>, OpError> {
        let now = (self.clock)();
        Ok(self.store.expiring_keys(by.workspace, now, now.plus(span), limit).await?)
    }

    /// Tries anew when somebody else changed the key in between.
    async fn turn(&self, by: &Acting, id: KeyId, turn: Turn) -> Result<(KeyRow, Propagation), OpError> {
        let mut tries = 1;
        loop {
            match self.turn_once(by, id, turn).await {
                Err(OpError::Conflict) if tries < TRIES => tries += 1,
                other => return other,
            }
        }
    }

    async fn turn_once(&self, by: &Acting, id: KeyId, turn: Turn) -> Result<(KeyRow, Propagation), OpError> {
        let now = (self.clock)();
        let before = self.living(by, id).await?;
        if turn.gives(&before, now) {
            by.may_give(&Reach::of(&before)?)?;
        }
        let (workspace, expected, actor) = (by.workspace, before.revision, by.actor());
        let (store, change) =
            (by.writes(&self.store, now), ChangeKey { workspace, id, expected, actor, now });
        let commit = async move {
            match turn {
                Turn::Pause(span) => store.pause_key(&change, span.map(|span| now.plus(span))).await,
                Turn::Resume => store.resume_key(&change).await,
                Turn::Retire => store.retire_key(&change).await,
            }
        };
        self.commit(commit).await
    }
}

impl Turn {
    /// Whether the key may work sooner than without it.
    fn gives(self, before: &KeyRow, now: Timestamp) -> bool {
        match self {
            Self::Resume => true,
            Self::Retire => false,
            Self::Pause(span) => {
                let next = Pause::until(span.map(|span| now.plus(span)));
                before.terms.pause.is_some_and(|held| held.holds(now) && next.ends_before(held))
            }
        }
    }
}
