//! Endpoints of models and their training runs.

pub mod cancel;
pub mod card;
pub mod delete;
pub mod events;
pub mod list;
pub mod read;
pub mod train;

mod model_body;

use model_body::ModelBody;

use keyrack_key::{ModelId, ProjectId};

use keyrack_core::OpError;

/// Parses an ID from a path. An invalid ID is a 404, like an unknown ID.
fn model_id(text: &str) -> Result<ModelId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("model"))
}

fn project_id(text: &str) -> Result<ProjectId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("project"))
}
