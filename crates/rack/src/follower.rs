//! Keeps a rack equal to a feed.

use std::sync::Arc;

use keyrack_key::Timestamp;
use tokio::sync::Mutex;

use crate::{Feed, FeedUpdate, Gap, Rack, Revision, TOMBSTONE_LIFE};

/// Reads a feed into a rack. Tasks that call [`catch_up_to`](Self::catch_up_to) at the same time run one after another,
/// because a snapshot that one task read must not replace newer changes that another task applied.
#[derive(Debug)]
pub struct Follower<F> {
    feed: F,
    rack: Arc<Rack>,
    state: Mutex<FollowerState>,
}

/// State that only the running task uses.
#[derive(Debug, Default)]
struct FollowerState {
    is_filled: bool,
}

impl<F: Feed> Follower<F> {
    /// Creates a follower that fills `rack` from `feed`. Reads nothing yet.
    pub fn new(feed: F, rack: Arc<Rack>) -> Self {
        Self { feed, rack, state: Mutex::default() }
    }

    /// Returns the rack that the follower fills.
    pub const fn rack(&self) -> &Arc<Rack> {
        &self.rack
    }

    /// Reads until the rack contains all changes of the feed, and at least `revision`. Loads a snapshot if
    /// the rack was never filled, if changes are missing, or if the feed has another history. Then gives the rack the
    /// freshness of the feed.
    ///
    /// Returns the error of the feed. After an error, a rack with
    /// [`Freshness::Fresh`](crate::Freshness::Fresh) becomes stale.
    pub async fn catch_up_to(&self, revision: Revision, now: Timestamp) -> Result<(), F::Error> {
        let mut state = self.state.lock().await;
        self.rack.see(now);
        let read = self.read(&mut state, revision, now).await;
        // Set before the next task runs: what that task reads may be newer, with another freshness.
        match read {
            Ok(()) => self.rack.set_freshness(self.feed.freshness()),
            Err(_) => self.rack.end_freshness(),
        }
        read
    }

    async fn read(
        &self,
        state: &mut FollowerState,
        revision: Revision,
        now: Timestamp,
    ) -> Result<(), F::Error> {
        if !state.is_filled {
            self.load(state, now).await?;
        }
        loop {
            let applied = match self.feed.after(self.rack.position()).await? {
                FeedUpdate::Frame(frame) => self.rack.apply(frame),
                FeedUpdate::Reload => Err(Gap),
            };
            if applied.is_err() {
                self.load(state, now).await?;
            }
            if self.rack.position().revision >= revision {
                return Ok(());
            }
        }
    }

    /// On a blocking thread, because a million keys take a second.
    async fn load(&self, state: &mut FollowerState, now: Timestamp) -> Result<(), F::Error> {
        state.is_filled = false;
        let reading = self.feed.snapshot(now.minus(TOMBSTONE_LIFE)).await?;
        let rack = Arc::clone(&self.rack);
        match tokio::task::spawn_blocking(move || rack.read(reading)).await {
            Ok(read) => read?,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime shuts down, and drops this task too.
                Err(_) => std::future::pending().await,
            },
        }
        state.is_filled = true;
        Ok(())
    }
}
