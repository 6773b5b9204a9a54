//! The data of the confirmation before a project is deleted.

use askama::Template;

use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "projects/delete/delete.html")]
pub(crate) struct DeleteProjectPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) project_name: String,
    /// A sentence on what is deleted together with the project. May be empty.
    pub(crate) consequence: String,
}
