//! Keeps a rack equal to what a feed tells.

use std::sync::Arc;

use keyrack_key::Timestamp;
use tokio::sync::Mutex;

use crate::{Feed, Gap, Next, Rack, Revision, TOMBSTONE_LIFE};

/// Reads a feed into a rack. Tasks that ask it to catch up at the same time take turns: a snapshot
/// that one of them read must not replace what another has applied since.
#[derive(Debug)]
pub struct Follower<F> {
    feed: F,
    rack: Arc<Rack>,
    turn: Mutex<Turn>,
}

/// What whoever has the turn knows.
#[derive(Debug, Default)]
struct Turn {
    is_filled: bool,
}

impl<F: Feed> Follower<F> {
    /// Will fill `rack` from `feed`.
    pub fn new(feed: F, rack: Arc<Rack>) -> Self {
        Self { feed, rack, turn: Mutex::default() }
    }

    /// The rack that it fills.
    pub const fn rack(&self) -> &Arc<Rack> {
        &self.rack
    }

    /// Reads until the rack holds all that the feed has, and at least `revision`. A rack that was never filled, a hole,
    /// or another history is answered by loading everything anew. Then the rack is trusted as the feed
    /// says. A rack that was trusted until further notice is not any more when this fails.
    pub async fn reach(&self, revision: Revision, now: Timestamp) -> Result<(), F::Error> {
        let mut turn = self.turn.lock().await;
        self.rack.see(now);
        let read = self.read(&mut turn, revision, now).await;
        // Before anybody else has the turn: what they read may be newer, and better or worse to trust.
        match read {
            Ok(()) => self.rack.trust(self.feed.trust()),
            Err(_) => self.rack.doubt(),
        }
        read
    }

    async fn read(&self, turn: &mut Turn, revision: Revision, now: Timestamp) -> Result<(), F::Error> {
        if !turn.is_filled {
            self.load(turn, now).await?;
        }
        loop {
            let applied = match self.feed.after(self.rack.position()).await? {
                Next::Frame(frame) => self.rack.apply(frame),
                Next::Reload => Err(Gap),
            };
            if applied.is_err() {
                self.load(turn, now).await?;
            }
            if self.rack.position().revision >= revision {
                return Ok(());
            }
        }
    }

    /// On a thread where it is in nobody's way: a million keys take a second.
    async fn load(&self, turn: &mut Turn, now: Timestamp) -> Result<(), F::Error> {
        turn.is_filled = false;
        let reading = self.feed.snapshot(now.minus(TOMBSTONE_LIFE)).await?;
        let rack = Arc::clone(&self.rack);
        match tokio::task::spawn_blocking(move || rack.read(reading)).await {
            Ok(read) => read?,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
        turn.is_filled = true;
        Ok(())
    }
}
