//! What stands there when there is no page.

use askama::Template;

use super::Frame;

#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage {
    pub(crate) frame: Frame,
    pub(crate) status: u16,
    /// "There is no such page", "That did not work"
    pub(crate) title: String,
    pub(crate) text: String,
    /// What to quote when asking for help; empty when there is none.
    pub(crate) request_id: String,
    /// The way on: a URL and what stands on its button.
    pub(crate) onward_url: String,
    pub(crate) onward_text: String,
}
