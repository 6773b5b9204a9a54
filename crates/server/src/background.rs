//! Runs the tasks that are independent of requests: writes usage (`usage.rs`), keeps the rack in sync with the store,
//! deletes expired rows, and removes objects that no row refers to.

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
/// How long the server remembers an `Idempotency-Key`.
const REPETITIONS: Duration = Duration::from_hours(7 * 24);
const SWEEP: Duration = Duration::from_hours(1);
const JOBS: Duration = Duration::from_secs(1);
const NODES: Duration = Duration::from_mins(1);
const OBJECTS: Duration = Duration::from_mins(1);

/// The background tasks. They run until [`Background::stop`] is called.
#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<()>,
    stop: watch::Sender<()>,
}

/// Starts all background tasks.
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
    /// Waits until each task has finished its current work and the last usage is written, then closes the store.
    pub async fn stop(self, app: &App) {
        drop(self.stop);
        self.tasks.join_all().await;
        // Requests have ended, so no more quota is taken.
        if let Err(error) = app.quotas.close().await {
            tracing::warn!(%error, "unused quota could not be returned");
        }
        app.store.close().await;
    }
}

fn with<W: Fn(Shared) -> F, F>(app: &Shared, work: W) -> impl Fn() -> F + use<W, F> {
    let app = app.clone();
    move || work(app.clone())
}

/// Repeats `work` until the sender of `stopped` is dropped. Work that has started is finished.
async fn every<F: Future<Output = ()>>(
    pause: Duration,
    mut stopped: watch::Receiver<()>,
    work: impl Fn() -> F,
) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // First, so that work that is due at the same moment does not start.
            biased;
            _ = stopped.changed() => return,
            _ = ticks.tick() => work().await,
        }
    }
}

async fn check_disk(app: Shared) {
    let disk = Arc::clone(&app.disk);
    // Fails only if the runtime stops.
    let _ = tokio::task::spawn_blocking(move || disk.check()).await;
}

/// Every change reaches the rack before the server responds. This task repairs a rack that could not be updated then.
async fn keep_rack(app: Shared) {
    if let Err(error) = app.follower.catch_up_to(Revision::default(), app.now()).await {
        tracing::error!(%error, "the store can't be read: no key is accepted until it can");
    }
}

/// Removes half-written objects that a crash left. Runs once at the start: a write that fails later cleans up after itself.
async fn remove_halves(app: Shared, start: Timestamp) {
    if let Err(error) = app.objects.remove_partial_objects(start).await {
        tracing::warn!(%error, "incomplete objects could not be removed");
    }
}

/// Removes objects after a deletion, and periodically, because a crash or an error may have prevented a removal.
async fn remove_objects(app: Shared, mut stopped: watch::Receiver<()>) {
    let mut ticks = interval(OBJECTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.removals.wait() => {}
            _ = stopped.changed() => return,
        }
        if let Err(error) = app.removals.run().await {
            tracing::warn!(%error, "files of deleted objects could not be removed");
        }
    }
}

/// Requeues the training runs of workers that died: other workers may be busy, or there may be no other worker.
async fn end_deserted_jobs(app: Shared) {
    if let Err(error) = app.store.requeue_abandoned_runs(app.now()).await {
        tracing::warn!(%error, "training runs of lost workers could not be queued again");
    }
}

async fn forget_nodes(app: Shared) {
    app.nodes.sweep().await;
}

async fn end_uploads(app: Shared) {
    if let Err(error) = app.datasets.delete_expired_uploads().await {
        tracing::warn!(%error, "expired uploads could not be removed");
    }
}

async fn sweep(app: Shared) {
    app.rack.forget_before(app.now().minus(TOMBSTONE_LIFE));
    if let Err(error) = app.people.delete_expired_sessions(app.now()).await {
        tracing::warn!(%error, "expired sessions could not be removed");
    }
    if let Err(error) = app.store.delete_idempotency_keys_before(app.now().minus(REPETITIONS)).await {
        tracing::warn!(%error, "expired idempotency keys could not be removed");
    }
    if let Err(error) = app.imports.sweep().await {
        tracing::warn!(%error, "old imports could not be removed");
    }
    if let Err(error) = app.quotas.sweep().await {
        tracing::warn!(%error, "quota usage of past days and months could not be removed");
    }
}

/// Deletes usage and callers that are older than `--usage-days`.
async fn forget_uses(app: Shared) {
    let then = app.now().minus(Duration::from_hours(24 * u64::from(app.config.usage_days)));
    match app.store.delete_usage_before(then).await {
        Ok(rows) => app.metrics.forgotten(rows),
        Err(error) => tracing::warn!(%error, "expired usage data could not be removed"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn stop_waits_for_running_work_and_starts_no_more() {
        let (stop, stopped) = watch::channel(());
        let (started, may_finish) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let finished = Arc::new(AtomicUsize::new(0));
        let work = {
            let (started, may_finish, finished) = (started.clone(), may_finish.clone(), finished.clone());
            move || {
                let (started, may_finish, finished) = (started.clone(), may_finish.clone(), finished.clone());
                async move {
                    started.add_permits(1);
                    may_finish.acquire().await.unwrap().forget();
                    finished.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        let task = tokio::spawn(every(Duration::from_millis(1), stopped, work));
        started.acquire().await.unwrap().forget();
        drop(stop);
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "the task waits for the work");
        may_finish.add_permits(1);
        task.await.unwrap();
        assert_eq!(finished.load(Ordering::SeqCst), 1);
    }
}
