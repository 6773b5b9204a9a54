//! Endpoints of projects.

pub mod create;
pub mod delete;
pub mod edit;
pub mod list;
pub mod read;

mod project_body;

use project_body::ProjectBody;

use keyrack_key::ProjectId;

use keyrack_core::OpError;

/// Parses an ID from a path. An invalid ID is a 404, like an unknown ID.
fn project_id(text: &str) -> Result<ProjectId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("project"))
}
