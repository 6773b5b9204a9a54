//! The sign-in page.

use askama::Template;

use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "sign_in/sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) frame: Frame,
    pub(crate) email: String,
    /// The form field `next`: the page that opens after the sign-in.
    pub(crate) next: String,
    /// An error such as "Incorrect email or password.", or how long to wait.
    pub(crate) error: Option<String>,
}
