//! The main loop of a worker: trains one model after another until the worker has to stop.

use std::time::Duration;

use keyrack_store::{StoreError, TrainingRun};

use super::runner::{LEASE, WorkerError};
use super::training::{self, ThreadState};
use super::{Worker, WorkerSignals};

/// The time limit for closing the store. After this time, the process exits without closing the store.
const CLOSING: Duration = Duration::from_millis(300);
/// The delay after an error of the store.
const PAUSE: Duration = Duration::from_secs(1);

impl Worker {
    /// Trains models until the worker has to stop. The current training run then returns to the queue.
    pub(crate) async fn work(&self, mut orders: WorkerSignals) -> Result<(), WorkerError> {
        tracing::info!(threads = self.threads, "training worker ready");
        let outcome = loop {
            if orders.must_stop() {
                break Ok(());
            }
            match self.next().await {
                Ok(Some(job)) => {
                    if training::run(self, &job, &mut orders).await == ThreadState::Stuck {
                        break Err(WorkerError::Stuck);
                    }
                }
                Ok(None) => orders.something().await,
                Err(error) => {
                    tracing::warn!(%error, "the queue of training runs can't be read");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let _ = tokio::time::timeout(CLOSING, self.store.close()).await;
        outcome
    }

    /// Takes the next training run. Checks the queue before taking, because taking writes and writers are serialized.
    /// Training runs wait while the disk is low, because the model could not be stored.
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
