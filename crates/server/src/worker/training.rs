//! One training, from taking it to its end: it learns on a thread of its own, and beside it the lease is renewed, what
//! it has to tell is written down, and a word to stop is heard.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keyrack_core::objects::Place;
use keyrack_store::{RunOutcome, RunSignal, StoreError, TrainingRun};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::board::Board;
use super::lesson::{self, Learnt, NotLearnt};
use super::runner::LEASE;
use super::{Orders, Worker};

/// How often somebody looks whether the training is still wanted.
const LOOK: Duration = Duration::from_millis(250);
/// How often news are written, at most, and how often the lease is renewed without any.
const NEWS: Duration = Duration::from_millis(500);
const RENEW: Duration = Duration::from_secs(1);
/// A training that does not stop by then is left to the end of the process.
const STOPPING: Duration = Duration::from_millis(1500);
/// An end that cannot be written is tried again, and then left to the end of the lease.
const TRIES: u32 = 10;
/// The lowest priority there is: whoever asks the server for something goes before.
const NICE: i32 = 19;

/// What became of a training, as far as its worker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It ended, or was handed on.
    Over,
    /// It does not stop.
    Stuck,
}

type Result_ = Result<Learnt, NotLearnt>;

/// Why the training stopped being watched.
enum Turn {
    Done(Result_),
    Cancelled,
    Lost,
    Stopped,
}

/// Trains `job`, and writes down how it ended.
pub(super) async fn run(worker: &Worker, job: &TrainingRun, orders: &mut Orders) -> Ended {
    tracing::info!(model = %job.model, attempt = job.attempt, "training begins");
    let board = Arc::new(Board::new());
    let mut done = match begin(worker, job, &board) {
        Ok(done) => done,
        Err(error) => {
            end(worker, job, &failed(&NotLearnt::Broken(error.into()))).await;
            return Ended::Over;
        }
    };
    let turn = watch(worker, job, &board, &mut done, orders).await;
    let outcome = match turn {
        Turn::Done(Ok(learnt)) => {
            keep(worker, job, learnt).await;
            return Ended::Over;
        }
        Turn::Done(Err(why)) => {
            end(worker, job, &failed(&why)).await;
            return Ended::Over;
        }
        Turn::Cancelled => Some(RunOutcome::Cancelled),
        Turn::Lost | Turn::Stopped => None,
    };
    board.stop();
    let stopped = tokio::time::timeout(STOPPING, done).await.is_ok();
    match (&outcome, &turn) {
        (Some(outcome), _) => {
            end(worker, job, outcome).await;
        }
        (None, Turn::Stopped) => put_back(worker, job).await,
        (None, _) => tracing::info!(model = %job.model, "the training is not this worker's any more"),
    }
    if stopped { Ended::Over } else { Ended::Stuck }
}

fn begin(
    worker: &Worker,
    job: &TrainingRun,
    board: &Arc<Board>,
) -> std::io::Result<oneshot::Receiver<Result_>> {
    let (tell, done) = oneshot::channel();
    let (worker, job, board) = (worker.clone(), job.clone(), Arc::clone(board));
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new().name("training".into()).spawn(move || {
        // Of this thread and those that it starts. The lease beside it is renewed in time however busy the machine is.
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::warn!(%error, "the training runs at the priority of everything else");
        }
        // Nobody listens to a training that was given up.
        let _ = tell.send(lesson::learn(&worker, &job, &board, &runtime));
    })?;
    Ok(done)
}

/// Until the training is done or not wanted any more.
async fn watch(
    worker: &Worker,
    job: &TrainingRun,
    board: &Board,
    done: &mut oneshot::Receiver<Result_>,
    orders: &mut Orders,
) -> Turn {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    loop {
        tokio::select! {
            // The other end is only dropped by a panic.
            result = &mut *done => return Turn::Done(result.unwrap_or(Err(NotLearnt::Panicked))),
            () = orders.stopped() => return Turn::Stopped,
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
            Ok(RunSignal::Cancel) => return Turn::Cancelled,
            Ok(RunSignal::Lost) => return Turn::Lost,
            // Perhaps it can be written a moment later. If not, the lease ends and another worker begins anew.
            Err(error) => {
                tracing::warn!(%error, model = %job.model, "a training's report could not be written");
            }
        }
    }
}

async fn report(worker: &Worker, job: &TrainingRun, board: &Board) -> Result<RunSignal, StoreError> {
    let news = board.take();
    let until = (worker.clock)().plus(LEASE);
    let stand = worker.store.report_progress(job, news.progress.as_ref(), &news.points, until).await;
    if stand.is_err() {
        board.give_back(news);
    }
    stand
}

/// The object first: a model that is ready can be asked at once.
async fn keep(worker: &Worker, job: &TrainingRun, learnt: Learnt) {
    let place = Place::model(job.project, job.model, job.taken);
    match worker.store.run_signal(job).await {
        Ok(RunSignal::Lost) => return,
        Ok(RunSignal::Cancel) => {
            end(worker, job, &RunOutcome::Cancelled).await;
            return;
        }
        Ok(RunSignal::Continue) | Err(_) => {}
    }
    if let Err(error) = worker.objects.put(&place, Bytes::from(learnt.model)).await {
        end(worker, job, &failed(&NotLearnt::Kept(error))).await;
        return;
    }
    // Deleted or given to another worker while it was written.
    if !end(worker, job, &RunOutcome::Ready(learnt.card)).await
        && let Err(error) = worker.objects.remove(&place).await
    {
        tracing::warn!(%error, model = %job.model, "the object of a model that is nobody's could not be removed");
    }
}

fn failed(why: &NotLearnt) -> RunOutcome {
    why.log();
    match why {
        NotLearnt::Stopped => RunOutcome::Cancelled,
        why => RunOutcome::Failed(why.to_string()),
    }
}

/// `false` where the training is known to be another worker's, or nobody's, by now.
async fn end(worker: &Worker, job: &TrainingRun, outcome: &RunOutcome) -> bool {
    for _ in 0..TRIES {
        match worker.store.end_run(job, outcome, (worker.clock)()).await {
            Ok(true) => {
                tracing::info!(model = %job.model, outcome = name(outcome), "training ended");
                return true;
            }
            Ok(false) => {
                tracing::info!(model = %job.model, "the training is not this worker's any more");
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, model = %job.model, "the end of a training could not be written");
                tokio::time::sleep(RENEW).await;
            }
        }
    }
    true
}

async fn put_back(worker: &Worker, job: &TrainingRun) {
    match worker.store.requeue_run(job, (worker.clock)()).await {
        Ok(()) => tracing::info!(model = %job.model, "training put back into the queue"),
        // Its lease ends, and then it is begun anew.
        Err(error) => tracing::warn!(%error, model = %job.model, "a training could not be put back"),
    }
}

const fn name(outcome: &RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Ready(_) => "ready",
        RunOutcome::Failed(_) => "failed",
        RunOutcome::Cancelled => "cancelled",
    }
}
