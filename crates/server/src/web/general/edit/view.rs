//! The data of the form that changes the workspace.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "general/edit/edit.html")]
pub(crate) struct EditGeneralPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    /// The form field `name`.
    pub(crate) name: Field,
    /// The form fields `longest_life` and `rotation_age`, in days. Empty without a limit.
    pub(crate) longest_life: Field,
    pub(crate) rotation_age: Field,
}
