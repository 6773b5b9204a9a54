//! The forms that create, rename, and delete a project.

use askama::Template;

use super::{Field, Frame};

#[derive(Template)]
#[template(path = "project_new.html")]
pub(crate) struct NewProjectPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) name: Field,
    /// The form field `type`: `classification` or `object_detection`.
    pub(crate) kind: Field,
    pub(crate) description: Field,
}

#[derive(Template)]
#[template(path = "project_rename.html")]
pub(crate) struct RenameProjectPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) project_name: String,
    pub(crate) name: Field,
    pub(crate) description: Field,
}

#[derive(Template)]
#[template(path = "project_delete.html")]
pub(crate) struct DeleteProjectPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) project_name: String,
    /// A sentence on what is deleted together with the project. May be empty.
    pub(crate) consequence: String,
}
