//! Models and their trainings: asked for, waiting, running in a worker, ended.

mod jobs;
mod material;
mod row;
mod status;

pub use jobs::{Job, Outcome, Point, Stand};
pub use material::Material;
pub use row::{Model, NewModel};
pub use status::{ModelStatus, UnknownModelStatus};
