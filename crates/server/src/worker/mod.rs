//! Training workers. A training run uses a core and much memory for minutes and may crash, so it runs in a separate
//! process. The store holds the queue, the progress, and the result.

mod board;
mod card;
mod course;
mod lesson;
mod orders;
mod queue;
mod runner;
mod training;

pub(crate) mod supervisor;

pub(crate) use orders::WorkerSignals;
pub(crate) use runner::Worker;
