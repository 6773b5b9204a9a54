//! Writes the usage of keys, their callers, and denied requests to the store.
//!
//! A separate thread does all of this: the cost of draining and writing grows with the number of keys in use, and would
//! delay requests. The thread keeps its normal priority, because a drain locks each shard of the rack for a moment. Batches
//! are small, because a change of a key waits for the current batch. After each batch the thread rests for as long as the
//! batch took. The thread retries failed writes.

use std::time::Duration;

use keyrack_rack::{CallerBacklog, UsageBacklog};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::Shared;

/// How often the thread drains usage while few keys are in use.
const DRAIN: Duration = Duration::from_secs(1);
/// Secrets per batch of usage. A batch takes a few milliseconds.
const SECRETS: usize = 200;
/// Callers per batch. A caller takes more rows than a secret.
const CALLERS: usize = 100;
/// Secrets and callers per batch when the server stops: no request waits any more, so fewer commits are better.
const SECRETS_AT_THE_END: usize = 5_000;
const CALLERS_AT_THE_END: usize = 2_500;

/// Starts the thread. The thread ends when the sender of `stopped` is dropped and everything is written.
pub fn start(tasks: &mut JoinSet<()>, app: Shared, stopped: watch::Receiver<()>) {
    let runtime = Handle::current();
    tasks.spawn_blocking(move || {
        runtime.block_on(Usage::of(app).run(stopped));
    });
}

/// Drained usage that is not written yet.
struct Usage {
    app: Shared,
    uses: UsageBacklog,
    callers: CallerBacklog,
    /// The number of checks that the rack had dropped at the last log line.
    dropped: u64,
}

impl Usage {
    fn of(app: Shared) -> Self {
        Self { app, uses: UsageBacklog::default(), callers: CallerBacklog::default(), dropped: 0 }
    }

    async fn run(mut self, mut stopped: watch::Receiver<()>) {
        let mut ticks = interval(DRAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (many_uses, many_callers) = (self.app.rack.drain_requested(), self.app.callers.drain_requested());
        // When the next batch may be written. `None` until the next tick if nothing is left to write, or if a write failed.
        let mut next = None;
        loop {
            tokio::select! {
                // First, so that work that is due at the same moment does not start.
                biased;
                _ = stopped.changed() => break,
                () = many_uses.notified() => self.drain(),
                () = many_callers.notified() => self.drain(),
                _ = ticks.tick() => {
                    self.drain();
                    // While only the disk reserve is left, usage waits in memory until space is free.
                    if self.app.disk.is_critical() {
                        next = None;
                    } else {
                        self.app.denials.flush().await;
                        next.get_or_insert_with(Instant::now);
                    }
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let began = Instant::now();
                    let goes_on = self.write(SECRETS, CALLERS).await && !self.is_written();
                    next = goes_on.then(|| Instant::now() + began.elapsed());
                }
            }
        }
        self.finish().await;
    }

    fn is_written(&self) -> bool {
        self.uses.is_empty() && self.callers.is_empty()
    }

    fn drain(&mut self) {
        let app = &self.app;
        let used = app.rack.drain_usage();
        app.first_calls.record_usage(&used, None);
        let lost = self.uses.add(used);
        app.metrics.uses_lost(lost);
        app.callers.count_lost(self.callers.add(app.callers.drain()));
        let dropped = app.rack.dropped_checks();
        if dropped + lost > self.dropped {
            let checks = dropped + lost - self.dropped;
            tracing::warn!(checks, "too many keys in use: checks were not counted");
            self.dropped = dropped;
        }
    }

    /// Writes one batch of usage and one of callers, of at most these sizes. Returns `false` and keeps the batch if
    /// a write failed.
    async fn write(&mut self, secrets: usize, callers: usize) -> bool {
        self.write_uses(secrets).await && self.write_callers(callers).await
    }

    async fn write_uses(&mut self, secrets: usize) -> bool {
        let batch = self.uses.take(secrets);
        let Err(error) = self.app.store.store_usage(&batch, self.app.now()).await else { return true };
        self.app.metrics.uses_lost(self.uses.add(batch));
        tracing::warn!(%error, waiting = self.uses.checks(), "usage can't be written yet");
        false
    }

    /// Runs after the usage is written, so that each caller on a page is included in the counts.
    async fn write_callers(&mut self, callers: usize) -> bool {
        let batch = self.callers.take(callers);
        let Err(error) = self.app.store.store_callers(&batch, self.app.now()).await else { return true };
        self.app.callers.count_lost(self.callers.add(batch));
        tracing::warn!(%error, waiting = self.callers.calls(), "callers can't be written yet");
        false
    }

    /// Writes everything that is left, before the server stops.
    async fn finish(mut self) {
        self.drain();
        self.app.denials.flush().await;
        while !self.is_written() {
            if !self.write(SECRETS_AT_THE_END, CALLERS_AT_THE_END).await {
                let (checks, calls) = (self.uses.checks(), self.callers.calls());
                self.app.metrics.uses_lost(checks);
                self.app.callers.count_lost(calls);
                tracing::error!(checks, calls, "recent usage was lost because it could not be written");
                return;
            }
        }
    }
}
