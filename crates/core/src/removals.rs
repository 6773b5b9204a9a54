//! Objects whose rows are gone are removed: at once, and again after a crash. By one task at a time, however many
//! deletions there are.

use std::sync::Arc;
use std::time::Duration;

use keyrack_rack::Clock;
use keyrack_store::Store;
use tokio::sync::Notify;

use super::OpError;
use crate::objects::Objects;

const AT_ONCE: u32 = 100;
/// What cannot be removed is tried again after so long.
const PAUSE: Duration = Duration::from_mins(1);

/// Removes what deletions left to be removed.
#[derive(Clone, Debug)]
pub struct Removals {
    store: Store,
    objects: Objects,
    clock: Clock,
    wanted: Arc<Notify>,
}

impl Removals {
    /// Of the deletions in `store`.
    pub fn new(store: Store, objects: Objects, clock: Clock) -> Self {
        Self { store, objects, clock, wanted: Arc::default() }
    }

    /// Lets whoever waits until something is [`wanted`](Self::wanted) begin.
    pub fn begin(&self) {
        self.wanted.notify_one();
    }

    /// Returns when there is something to remove, at once if that was said already.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Removes all that is due. What cannot be removed does not hold up the rest.
    pub async fn carry_out(&self) -> Result<(), OpError> {
        loop {
            let now = (self.clock)();
            let due = self.store.removals(now, AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            for prefix in due {
                match self.objects.remove_below(&prefix).await {
                    Ok(_) => self.store.mark_removed(&prefix, now).await?,
                    Err(error) => {
                        tracing::warn!(%error, prefix, "objects of what was deleted could not be removed yet");
                        self.store.postpone_removal(&prefix, now.plus(PAUSE)).await?;
                    }
                }
            }
        }
    }
}
