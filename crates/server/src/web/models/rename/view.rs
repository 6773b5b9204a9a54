//! The data of the form that renames a model.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "models/rename/rename.html")]
pub(crate) struct RenameModelPage {
    pub(crate) frame: Frame,
    /// The URL of the model.
    pub(crate) url: String,
    pub(crate) model_name: String,
    pub(crate) name: Field,
}
