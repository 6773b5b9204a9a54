//! Training workers. A training run uses a core and much memory for minutes and may crash, so it runs in a separate
//! process. The store holds the queue, the progress, and the result.

mod card;
mod estimate;
mod queue;
mod runner;
mod signals;
mod state;
mod trainer;
mod training;

pub(crate) mod supervisor;

pub(crate) use runner::Worker;
pub(crate) use signals::WorkerSignals;
