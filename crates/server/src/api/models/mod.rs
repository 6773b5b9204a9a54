//! Models: train, list, read, watch, stop, delete.

pub mod cancel;
pub mod card;
pub mod delete;
pub mod events;
pub mod list;
pub mod read;
pub mod train;

mod model_body;

use model_body::ModelBody;

use keyrack_core::OpError;
use keyrack_key::{ModelId, ProjectId};

/// An id from a path. What is no id names nothing.
fn model_id(text: &str) -> Result<ModelId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("model"))
}

fn project_id(text: &str) -> Result<ProjectId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("project"))
}
