//! The error page.

use askama::Template;

use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "error/error.html")]
pub(crate) struct ErrorPage {
    pub(crate) frame: Frame,
    pub(crate) status: u16,
    /// The title, such as "Page not found".
    pub(crate) title: String,
    pub(crate) text: String,
    /// The ID to give to the support. May be empty.
    pub(crate) request_id: String,
    /// The URL and the label of the button. `None` if no page helps.
    pub(crate) button: Option<(&'static str, &'static str)>,
}
