//! The form that creates a workspace.

use askama::Template;

use super::{Field, Frame};

#[derive(Template)]
#[template(path = "workspace_new.html")]
pub(crate) struct NewWorkspacePage {
    pub(crate) frame: Frame,
    pub(crate) name: Field,
}
