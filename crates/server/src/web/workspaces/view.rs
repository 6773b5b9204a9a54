//! The form that creates a workspace.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "workspaces/new.html")]
pub(crate) struct NewWorkspacePage {
    pub(crate) frame: Frame,
    pub(crate) name: Field,
}
