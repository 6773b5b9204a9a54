//! Models and their training runs: queued, running in a worker, ended.

mod abandoned;
mod row;
mod runs;
mod status;
mod totals;

pub use row::{Model, NewModel};
pub use runs::{CurvePoint, RunOutcome, RunSignal, TrainingRun};
pub use status::{ModelStatus, UnknownModelStatus};
pub use totals::AnnotationTotals;
