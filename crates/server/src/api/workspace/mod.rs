//! The workspace itself: its name, and what it demands of its keys.

pub(super) mod edit;
pub(super) mod read;

mod workspace_body;

use workspace_body::WorkspaceBody;
