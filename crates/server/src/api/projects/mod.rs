//! Projects: make, list, read, rename, delete.

pub mod create;
pub mod delete;
pub mod edit;
pub mod list;
pub mod read;

mod project_body;

use project_body::ProjectBody;

use keyrack_core::OpError;
use keyrack_key::ProjectId;

/// An id from a path. What is no id names nothing.
fn project_id(text: &str) -> Result<ProjectId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("project"))
}
