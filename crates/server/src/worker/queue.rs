//! A process that trains, one model after the other, until it is told to stop.

use std::time::Duration;

use keyrack_store::{StoreError, TrainingRun};

use super::runner::{LEASE, WorkerError};
use super::training::{self, Ended};
use super::{Orders, Worker};

/// The store is closed by then, or it is left to the end of the process.
const CLOSING: Duration = Duration::from_millis(300);
/// After a failure of the store.
const PAUSE: Duration = Duration::from_secs(1);

impl Worker {
    /// Trains until it is told to stop. What it is at then goes back into the queue.
    pub(crate) async fn work(&self, mut orders: Orders) -> Result<(), WorkerError> {
        tracing::info!(threads = self.threads, "training worker ready");
        let outcome = loop {
            if orders.must_stop() {
                break Ok(());
            }
            match self.next().await {
                Ok(Some(job)) => {
                    if training::run(self, &job, &mut orders).await == Ended::Stuck {
                        break Err(WorkerError::Stuck);
                    }
                }
                Ok(None) => orders.something().await,
                Err(error) => {
                    tracing::warn!(%error, "the queue of trainings cannot be read");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let _ = tokio::time::timeout(CLOSING, self.store.close()).await;
        outcome
    }

    /// Looks first: taking writes, and writers take turns. Trainings wait while the disk is low, since the model could
    /// not be kept.
    async fn next(&self) -> Result<Option<TrainingRun>, StoreError> {
        if self.disk.is_low() {
            return Ok(None);
        }
        let now = (self.clock)();
        if !self.store.has_queued_run(now).await? {
            return Ok(None);
        }
        self.store.take_run(now, now.plus(LEASE)).await
    }
}
