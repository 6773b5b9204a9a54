//! Objects whose rows are gone are removed: at once, and again after a crash.

use keyrack_guard::Clock;
use keyrack_store::Store;

use super::OpError;
use crate::objects::Objects;

const AT_ONCE: u32 = 100;

/// Removes what deletions left to be removed.
#[derive(Clone, Debug)]
pub struct Removals {
    store: Store,
    objects: Objects,
    clock: Clock,
}

impl Removals {
    /// Of the deletions in `store`.
    pub const fn new(store: Store, objects: Objects, clock: Clock) -> Self {
        Self { store, objects, clock }
    }

    /// Begins now, away from the request. Should it fail, the next sweep does it.
    pub fn begin(&self) {
        let removals = self.clone();
        tokio::spawn(async move {
            if let Err(error) = removals.carry_out().await {
                tracing::warn!(%error, "objects of what was deleted could not be removed yet");
            }
        });
    }

    /// Removes all that is due. What cannot be removed does not hold up the rest.
    pub async fn carry_out(&self) -> Result<(), OpError> {
        loop {
            let now = (self.clock)();
            let due = self.store.removals(now, AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut failed = None;
            for prefix in due {
                match self.objects.remove_below(&prefix).await {
                    Ok(_) => self.store.removed(&prefix, now).await?,
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                return Err(error.into());
            }
        }
    }
}
