//! Endpoints of projects.

pub mod create;
pub mod delete;
pub mod edit;
pub mod list;
pub mod read;

mod project_body;

use project_body::ProjectBody;

use crate::api::path_ids::project_id;
