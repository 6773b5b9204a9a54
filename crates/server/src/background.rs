//! What goes on beside requests: uses are written down, the rack is kept equal to the store, what is over is forgotten.

use std::sync::Arc;
use std::time::Duration;

use keyrack_rack::{Revision, TOMBSTONE_LIFE};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::{App, Shared};

const USES: Duration = Duration::from_secs(1);
const RACK: Duration = Duration::from_secs(1);
/// How long a request that is sent again is known to have been carried out.
const REPETITIONS: Duration = Duration::from_hours(7 * 24);
const SWEEP: Duration = Duration::from_hours(1);

/// The tasks; they end when told.
#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<()>,
}

/// Starts them.
pub fn start(app: &Shared) -> Background {
    let mut tasks = JoinSet::new();
    tasks.spawn(every(USES, Arc::clone(app), write_uses));
    tasks.spawn(every(RACK, Arc::clone(app), keep_rack));
    tasks.spawn(every(SWEEP, Arc::clone(app), sweep));
    Background { tasks }
}

impl Background {
    /// Ends them, writes down what was used last, and closes the store.
    pub async fn stop(mut self, app: &App) {
        self.tasks.shutdown().await;
        write_uses_of(app).await;
        app.store.close().await;
    }
}

async fn every<F: Future<Output = ()>>(pause: Duration, app: Shared, work: impl Fn(Shared) -> F) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        work(Arc::clone(&app)).await;
    }
}

async fn write_uses(app: Shared) {
    write_uses_of(&app).await;
}

/// Uses that cannot be written are lost; keys and requests are not held up by them.
async fn write_uses_of(app: &App) {
    let uses = app.rack.uses().drain();
    if let Err(error) = app.store.note_uses(&uses).await {
        tracing::warn!(%error, keys = uses.len(), "last uses could not be written");
    }
}

/// Every change reaches the rack before it is answered; this mends a rack that could not be brought up to date then.
async fn keep_rack(app: Shared) {
    if let Err(error) = app.follower.reach(Revision::default(), app.now()).await {
        tracing::error!(%error, "the store cannot be read: no key is accepted until it can");
        app.rack.trust(false);
    }
}

async fn sweep(app: Shared) {
    app.rack.forget_before(app.now().minus(TOMBSTONE_LIFE));
    if let Err(error) = app.people.end_expired(app.now()).await {
        tracing::warn!(%error, "sessions that are over could not be removed");
    }
    if let Err(error) = app.store.forget_repetitions(app.now().minus(REPETITIONS)).await {
        tracing::warn!(%error, "old Idempotency-Keys could not be removed");
    }
}
