//! The data of the form that renames a project.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "projects/rename/rename.html")]
pub(crate) struct RenameProjectPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) project_name: String,
    pub(crate) name: Field,
    pub(crate) description: Field,
}
