//! Removes objects whose rows were deleted: immediately, and again after a crash. One task carries out all removals,
//! regardless of the number of deletions.

use std::sync::Arc;
use std::time::Duration;

use keyrack_rack::Clock;
use keyrack_store::Store;
use tokio::sync::Notify;

use super::OpError;
use crate::objects::Objects;

const AT_ONCE: u32 = 100;
/// The delay before a failed removal is tried again.
const PAUSE: Duration = Duration::from_mins(1);

/// The removals that deletions have recorded.
#[derive(Clone, Debug)]
pub struct Removals {
    store: Store,
    objects: Objects,
    clock: Clock,
    wait: Arc<Notify>,
}

impl Removals {
    /// The removals in `store`.
    pub fn new(store: Store, objects: Objects, clock: Clock) -> Self {
        Self { store, objects, clock, wait: Arc::default() }
    }

    /// Wakes the task that waits in [`wait`](Self::wait).
    pub fn wake(&self) {
        self.wait.notify_one();
    }

    /// Waits until there are objects to remove. Returns immediately if [`wake`](Self::wake) was called
    /// since the last wait.
    pub async fn wait(&self) {
        self.wait.notified().await;
    }

    /// Carries out all due removals. A failed removal is postponed and does not block the others.
    pub async fn run(&self) -> Result<(), OpError> {
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
                        tracing::warn!(%error, prefix, "files of deleted objects could not be removed yet");
                        self.store.postpone_removal(&prefix, now.plus(PAUSE)).await?;
                    }
                }
            }
        }
    }
}
