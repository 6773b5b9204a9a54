//! What goes on beside requests: uses are written down (`usage.rs`), the rack is kept equal to the store, what is over is
//! forgotten, objects whose rows are gone are removed.

use std::sync::Arc;
use std::time::Duration;

use keyrack_key::Timestamp;
use keyrack_rack::{Revision, TOMBSTONE_LIFE};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::{App, Shared};
use crate::usage;

const DISK: Duration = Duration::from_secs(1);
const RACK: Duration = Duration::from_secs(1);
/// How long a request that is sent again is known to have been carried out.
const REPETITIONS: Duration = Duration::from_hours(7 * 24);
const SWEEP: Duration = Duration::from_hours(1);
const JOBS: Duration = Duration::from_secs(1);
const NODES: Duration = Duration::from_mins(1);
const OBJECTS: Duration = Duration::from_mins(1);

/// The tasks; they end when told.
#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<()>,
    stop: watch::Sender<()>,
}

/// Starts them.
pub fn start(app: &Shared) -> Background {
    let (stop, stopped) = watch::channel(());
    let mut tasks = JoinSet::new();
    usage::start(&mut tasks, app.clone(), stopped.clone());
    tasks.spawn(every(DISK, stopped.clone(), with(app, check_disk)));
    tasks.spawn(every(RACK, stopped.clone(), with(app, keep_rack)));
    tasks.spawn(every(SWEEP, stopped.clone(), with(app, sweep)));
    tasks.spawn(every(SWEEP, stopped.clone(), with(app, forget_uses)));
    tasks.spawn(every(OBJECTS, stopped.clone(), with(app, end_uploads)));
    tasks.spawn(every(NODES, stopped.clone(), with(app, forget_nodes)));
    tasks.spawn(every(JOBS, stopped.clone(), with(app, end_deserted_jobs)));
    tasks.spawn(remove_objects(app.clone(), stopped));
    tasks.spawn(remove_halves(app.clone(), app.now()));
    Background { tasks, stop }
}

impl Background {
    /// Lets each finish what it is at and write down what was used last, and closes the store.
    pub async fn stop(self, app: &App) {
        drop(self.stop);
        self.tasks.join_all().await;
        // Requests have ended: nobody takes any more.
        if let Err(error) = app.quotas.close().await {
            tracing::warn!(%error, "what was taken of quotas and not used could not be given back");
        }
        app.store.close().await;
    }
}

fn with<W: Fn(Shared) -> F, F>(app: &Shared, work: W) -> impl Fn() -> F + use<W, F> {
    let app = app.clone();
    move || work(app.clone())
}

/// Works again and again, until whoever holds the other end of `stopped` lets go. Work that has begun is finished.
async fn every<F: Future<Output = ()>>(
    pause: Duration,
    mut stopped: watch::Receiver<()>,
    work: impl Fn() -> F,
) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // First, or work could begin that came due in the same moment.
            biased;
            _ = stopped.changed() => return,
            _ = ticks.tick() => work().await,
        }
    }
}

async fn check_disk(app: Shared) {
    let disk = Arc::clone(&app.disk);
    // It fails only with its runtime.
    let _ = tokio::task::spawn_blocking(move || disk.check()).await;
}

/// Every change reaches the rack before it is answered; this mends a rack that could not be brought up to date then.
async fn keep_rack(app: Shared) {
    if let Err(error) = app.follower.reach(Revision::default(), app.now()).await {
        tracing::error!(%error, "the store cannot be read: no key is accepted until it can");
    }
}

/// Of writes that a crash ended. Once: whoever fails to write later cleans up.
async fn remove_halves(app: Shared, start: Timestamp) {
    if let Err(error) = app.objects.remove_halves(start).await {
        tracing::warn!(%error, "objects that were half written could not be removed");
    }
}

/// When a deletion wants it, and now and then: for what a crash came before, and what could not be removed.
async fn remove_objects(app: Shared, mut stopped: watch::Receiver<()>) {
    let mut ticks = interval(OBJECTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.removals.wanted() => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = app.removals.carry_out().await {
            tracing::warn!(%error, "objects of what was deleted could not be removed");
        }
    }
}

/// Workers are busy with other trainings, or there are none.
async fn end_deserted_jobs(app: Shared) {
    if let Err(error) = app.store.requeue_abandoned_runs(app.now()).await {
        tracing::warn!(%error, "trainings whose workers died could not be put back");
    }
}

async fn forget_nodes(app: Shared) {
    app.nodes.sweep().await;
}

async fn end_uploads(app: Shared) {
    if let Err(error) = app.datasets.end_uploads().await {
        tracing::warn!(%error, "uploads that are over could not be removed");
    }
}

async fn sweep(app: Shared) {
    app.rack.forget_before(app.now().minus(TOMBSTONE_LIFE));
    if let Err(error) = app.people.end_expired(app.now()).await {
        tracing::warn!(%error, "sessions that are over could not be removed");
    }
    if let Err(error) = app.store.delete_idempotency_keys_before(app.now().minus(REPETITIONS)).await {
        tracing::warn!(%error, "old Idempotency-Keys could not be removed");
    }
    if let Err(error) = app.imports.sweep().await {
        tracing::warn!(%error, "imports that ended long ago could not be forgotten");
    }
    if let Err(error) = app.quotas.sweep().await {
        tracing::warn!(%error, "quotas of days and months that are over could not be removed");
    }
}

/// What keys were used for, and by whom, is remembered for so long and no longer.
async fn forget_uses(app: Shared) {
    let then = app.now().minus(Duration::from_hours(24 * u64::from(app.config.usage_days)));
    match app.store.delete_usage_before(then).await {
        Ok(rows) => app.metrics.forgotten(rows),
        Err(error) => tracing::warn!(%error, "what keys were used for long ago could not be removed"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn work_that_has_begun_is_finished_and_no_more_begins() {
        let (stop, stopped) = watch::channel(());
        let (begun, may_finish) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let finished = Arc::new(AtomicUsize::new(0));
        let work = {
            let (begun, may_finish, finished) = (begun.clone(), may_finish.clone(), finished.clone());
            move || {
                let (begun, may_finish, finished) = (begun.clone(), may_finish.clone(), finished.clone());
                async move {
                    begun.add_permits(1);
                    may_finish.acquire().await.unwrap().forget();
                    finished.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        let task = tokio::spawn(every(Duration::from_millis(1), stopped, work));
        begun.acquire().await.unwrap().forget();
        drop(stop);
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "it waits for the work");
        may_finish.add_permits(1);
        task.await.unwrap();
        assert_eq!(finished.load(Ordering::SeqCst), 1);
    }
}
