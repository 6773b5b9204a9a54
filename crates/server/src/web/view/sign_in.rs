//! Sign-in.

use askama::Template;

use super::Frame;

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn {
    pub(crate) frame: Frame,
    pub(crate) email: String,
    /// POST `next`: the page to land on.
    pub(crate) next: String,
    /// "That email and password do not match.", or how long to wait.
    pub(crate) error: Option<String>,
}
