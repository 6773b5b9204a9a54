//! Runs one training run from start to end. The training has its own thread; beside the thread, a task renews the
//! lease, records the progress, and watches for cancellation.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keyrack_core::objects::ObjectPath;
use keyrack_store::{RunOutcome, RunSignal, StoreError, TrainingRun};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::runner::LEASE;
use super::state::TrainingState;
use super::trainer::{self, TrainedModel, TrainingError};
use super::{Worker, WorkerSignals};

/// How often the worker checks whether the training run was cancelled or lost.
const LOOK: Duration = Duration::from_millis(250);
/// The minimum time between progress writes, and how often the lease is renewed without progress.
const NEWS: Duration = Duration::from_millis(500);
const RENEW: Duration = Duration::from_secs(1);
/// A training thread that has not stopped after this time runs until the process exits.
const STOPPING: Duration = Duration::from_millis(1500);
/// How many times the worker tries to write the end of a training run. After the last try, the lease expires.
const TRIES: u32 = 10;
/// The lowest priority, so that requests to the server run first.
const NICE: i32 = 19;

/// The state of the training thread when [`run`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThreadState {
    /// The thread has stopped.
    Stopped,
    /// The thread does not stop.
    Stuck,
}

type TrainOutcome = Result<TrainedModel, TrainingError>;

/// Why the training stopped being watched.
enum WatchOutcome {
    Finished(TrainOutcome),
    Cancelled,
    Lost,
    Stopped,
}

/// Runs `job` and records how it ended.
pub(super) async fn run(worker: &Worker, job: &TrainingRun, orders: &mut WorkerSignals) -> ThreadState {
    tracing::info!(model = %job.model, attempt = job.attempt, "training started");
    let board = Arc::new(TrainingState::new());
    let mut done = match begin(worker, job, &board) {
        Ok(done) => done,
        Err(error) => {
            end(worker, job, &failed(&TrainingError::Internal(error.into()))).await;
            return ThreadState::Stopped;
        }
    };
    let turn = watch(worker, job, &board, &mut done, orders).await;
    let outcome = match turn {
        WatchOutcome::Finished(Ok(learnt)) => {
            keep(worker, job, learnt).await;
            return ThreadState::Stopped;
        }
        WatchOutcome::Finished(Err(why)) => {
            end(worker, job, &failed(&why)).await;
            return ThreadState::Stopped;
        }
        WatchOutcome::Cancelled => Some(RunOutcome::Cancelled),
        WatchOutcome::Lost | WatchOutcome::Stopped => None,
    };
    board.stop();
    let stopped = tokio::time::timeout(STOPPING, done).await.is_ok();
    match (&outcome, &turn) {
        (Some(outcome), _) => {
            end(worker, job, outcome).await;
        }
        (None, WatchOutcome::Stopped) => put_back(worker, job).await,
        (None, _) => {
            tracing::info!(model = %job.model, "this worker lost the training run to another worker");
        }
    }
    if stopped { ThreadState::Stopped } else { ThreadState::Stuck }
}

fn begin(
    worker: &Worker,
    job: &TrainingRun,
    board: &Arc<TrainingState>,
) -> std::io::Result<oneshot::Receiver<TrainOutcome>> {
    let (tell, done) = oneshot::channel();
    let (worker, job, board) = (worker.clone(), job.clone(), Arc::clone(board));
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new().name("training".into()).spawn(move || {
        // Applies to this thread and the threads that it starts. The task that renews the lease keeps its priority,
        // even on a busy machine.
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::warn!(%error, "the training priority can't be lowered");
        }
        // The receiver is gone if the worker gave up on this training run.
        let _ = tell.send(trainer::learn(&worker, &job, &board, &runtime));
    })?;
    Ok(done)
}

/// Watches the training run until it is done, cancelled, lost or stopped.
async fn watch(
    worker: &Worker,
    job: &TrainingRun,
    board: &TrainingState,
    done: &mut oneshot::Receiver<TrainOutcome>,
    orders: &mut WorkerSignals,
) -> WatchOutcome {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    loop {
        tokio::select! {
            // Only a panic drops the sender.
            result = &mut *done => return WatchOutcome::Finished(result.unwrap_or(Err(TrainingError::Panicked))),
            () = orders.stopped() => return WatchOutcome::Stopped,
            _ = looks.tick() => {}
        }
        let due = if board.has_news() { NEWS } else { RENEW };
        let stand = if renewed.elapsed() >= due {
            renewed = Instant::now();
            report(worker, job, board).await
        } else {
            worker.store.run_signal(job).await
        };
        match stand {
            Ok(RunSignal::Continue) => {}
            Ok(RunSignal::Cancel) => return WatchOutcome::Cancelled,
            Ok(RunSignal::Lost) => return WatchOutcome::Lost,
            // The next write may succeed. If writes keep failing, the lease expires and another worker
            // restarts the run.
            Err(error) => {
                tracing::warn!(%error, model = %job.model, "the progress of a training run could not be \
                     written");
            }
        }
    }
}

async fn report(worker: &Worker, job: &TrainingRun, board: &TrainingState) -> Result<RunSignal, StoreError> {
    let news = board.take();
    let until = (worker.clock)().plus(LEASE);
    let stand = worker.store.report_progress(job, news.progress.as_ref(), &news.points, until).await;
    if stand.is_err() {
        board.give_back(news);
    }
    stand
}

/// Writes the object before the row, so that a ready model can serve predictions immediately.
async fn keep(worker: &Worker, job: &TrainingRun, learnt: TrainedModel) {
    let place = ObjectPath::model(job.project, job.model, job.taken);
    match worker.store.run_signal(job).await {
        Ok(RunSignal::Lost) => return,
        Ok(RunSignal::Cancel) => {
            end(worker, job, &RunOutcome::Cancelled).await;
            return;
        }
        Ok(RunSignal::Continue) | Err(_) => {}
    }
    if let Err(error) = worker.objects.put(&place, Bytes::from(learnt.model)).await {
        end(worker, job, &failed(&TrainingError::NotStored(error))).await;
        return;
    }
    // The run was deleted or given to another worker during the write.
    if !end(worker, job, &RunOutcome::Ready(learnt.card)).await
        && let Err(error) = worker.objects.remove(&place).await
    {
        tracing::warn!(%error, model = %job.model, "the file of an unused model could not be removed");
    }
}

fn failed(why: &TrainingError) -> RunOutcome {
    why.log();
    match why {
        TrainingError::Stopped => RunOutcome::Cancelled,
        why => RunOutcome::Failed(why.to_string()),
    }
}

/// Records the end of the run. Returns `false` if the run no longer belongs to this worker.
async fn end(worker: &Worker, job: &TrainingRun, outcome: &RunOutcome) -> bool {
    for _ in 0..TRIES {
        match worker.store.end_run(job, outcome, (worker.clock)()).await {
            Ok(true) => {
                tracing::info!(model = %job.model, outcome = name(outcome), "training ended");
                return true;
            }
            Ok(false) => {
                tracing::info!(model = %job.model, "this worker lost the training run to another worker");
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, model = %job.model, "the end of a training run could not be written");
                tokio::time::sleep(RENEW).await;
            }
        }
    }
    true
}

async fn put_back(worker: &Worker, job: &TrainingRun) {
    match worker.store.requeue_run(job, (worker.clock)()).await {
        Ok(()) => tracing::info!(model = %job.model, "training run queued again"),
        // The lease expires, and then another attempt starts.
        Err(error) => tracing::warn!(%error, model = %job.model, "a training run could not be queued again"),
    }
}

const fn name(outcome: &RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Ready(_) => "ready",
        RunOutcome::Failed(_) => "failed",
        RunOutcome::Cancelled => "cancelled",
    }
}
