//! The page that creates the first owner and the first workspace.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "setup/setup.html")]
pub(crate) struct SetupPage {
    pub(crate) frame: Frame,
    /// The form field `token`: the one-time token of the setup link.
    pub(crate) token: String,
    pub(crate) name: Field,
    pub(crate) email: Field,
    /// The form field `password`. Its value is never sent back.
    pub(crate) password: Field,
    /// The form field `workspace`.
    pub(crate) workspace: Field,
    /// An error that belongs to no field.
    pub(crate) error: Option<String>,
}
