//! The data of the form that creates a project.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "projects/new/new.html")]
pub(crate) struct NewProjectPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) name: Field,
    /// The form field `type`: `classification` or `object_detection`.
    pub(crate) kind: Field,
    pub(crate) description: Field,
}
