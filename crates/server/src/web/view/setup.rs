//! First run: the first owner and the first workspace.

use askama::Template;

use super::{Field, Frame};

#[derive(Template)]
#[template(path = "setup.html")]
pub(crate) struct Setup {
    pub(crate) frame: Frame,
    /// POST `token`: the one-time token of the setup link.
    pub(crate) token: String,
    pub(crate) name: Field,
    pub(crate) email: Field,
    /// Its value is never sent back.
    pub(crate) password: Field,
    /// POST `workspace`
    pub(crate) workspace: Field,
    /// What is wrong and belongs to no field.
    pub(crate) error: Option<String>,
}
