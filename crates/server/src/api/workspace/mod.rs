//! Endpoints of the workspace and its policy for keys.

pub(super) mod edit;
pub(super) mod read;

mod workspace_body;

use workspace_body::WorkspaceBody;
