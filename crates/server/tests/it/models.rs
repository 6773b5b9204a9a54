//! Trainings as clients see them, with real workers that learn from painted pictures.

mod cancel;
mod deaths;
mod events;
mod learning;
mod quotas;
mod refusals;
mod school;
mod workers;
