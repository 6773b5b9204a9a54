//! Writes down what keys were used for, who called with them, and which requests were refused.
//!
//! All of it happens on a thread of its own: draining and writing cost as much as there were keys in use, and no request thread
//! does that work. The thread keeps its normal priority, since a drain locks each shard of the rack for a moment. Batches are
//! small, since a change of a key waits for the batch that is being written; and after each batch the thread rests for as long
//! as the batch took. What cannot be written is tried again.

use std::time::Duration;

use keyrack_rack::{CallerBacklog, UseBacklog};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::Shared;

/// How often uses are drained where few keys are in use.
const DRAIN: Duration = Duration::from_secs(1);
/// Secrets whose uses are written together: some milliseconds.
const SECRETS: usize = 200;
/// Callers that are written together. Each takes more rows than a secret.
const CALLERS: usize = 100;
/// The same when the server stops: fewer commits, since no request waits any more.
const SECRETS_AT_THE_END: usize = 5_000;
const CALLERS_AT_THE_END: usize = 2_500;

/// Starts the thread. It ends when whoever holds the other end of `stopped` lets go and all is written.
pub fn start(tasks: &mut JoinSet<()>, app: Shared, stopped: watch::Receiver<()>) {
    let runtime = Handle::current();
    tasks.spawn_blocking(move || {
        runtime.block_on(Usage::of(app).run(stopped));
    });
}

/// What was drained and is to be written.
struct Usage {
    app: Shared,
    uses: UseBacklog,
    callers: CallerBacklog,
    /// How many checks the rack had dropped when this was last logged.
    dropped: u64,
}

impl Usage {
    fn of(app: Shared) -> Self {
        Self { app, uses: UseBacklog::default(), callers: CallerBacklog::default(), dropped: 0 }
    }

    async fn run(mut self, mut stopped: watch::Receiver<()>) {
        let mut ticks = interval(DRAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (many_uses, many_callers) = (self.app.rack.crowded(), self.app.callers.crowded());
        // When the next batch may be written. None until the next tick: there is nothing to write, or it failed.
        let mut next = None;
        loop {
            tokio::select! {
                // First, or work could begin that came due in the same moment.
                biased;
                _ = stopped.changed() => break,
                () = many_uses.notified() => self.drain(),
                () = many_callers.notified() => self.drain(),
                _ = ticks.tick() => {
                    self.drain();
                    // While only reserved disk space is left, all of it waits in memory, and is written when there is space.
                    if self.app.disk.is_critical() {
                        next = None;
                    } else {
                        self.app.refusals.write_down().await;
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
        let used = app.rack.drain_uses();
        app.first_calls.learn(&used, None);
        let lost = self.uses.add(used);
        app.metrics.uses_lost(lost);
        app.callers.lose(self.callers.add(app.callers.drain()));
        let dropped = app.rack.uses_dropped();
        if dropped + lost > self.dropped {
            let checks = dropped + lost - self.dropped;
            tracing::warn!(checks, "too many different keys were in use at once: checks were not counted");
            self.dropped = dropped;
        }
    }

    /// Writes one batch of each, of at most so many. False if that failed: what was not written is kept.
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

    /// After the uses: a caller on a page has been counted.
    async fn write_callers(&mut self, callers: usize) -> bool {
        let batch = self.callers.take(callers);
        let Err(error) = self.app.store.store_callers(&batch, self.app.now()).await else { return true };
        self.app.callers.lose(self.callers.add(batch));
        tracing::warn!(%error, waiting = self.callers.calls(), "callers can't be written yet");
        false
    }

    /// Writes all that is left, before the server stops.
    async fn finish(mut self) {
        self.drain();
        self.app.refusals.write_down().await;
        while !self.is_written() {
            if !self.write(SECRETS_AT_THE_END, CALLERS_AT_THE_END).await {
                let (checks, calls) = (self.uses.checks(), self.callers.calls());
                self.app.metrics.uses_lost(checks);
                self.app.callers.lose(calls);
                tracing::error!(checks, calls, "recent usage was lost because it could not be written");
                return;
            }
        }
    }
}
