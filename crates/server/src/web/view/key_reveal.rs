//! The one time that a secret is shown, and what stands there when the form is sent again.

use askama::Template;

use super::{FirstCall, Frame, Scope};

#[derive(Template)]
#[template(path = "key_reveal.html")]
pub(crate) struct Reveal {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) key_name: String,
    pub(crate) secret: String,
    /// A publishable key.
    pub(crate) public: bool,
    /// Whether it has been used.
    pub(crate) call: FirstCall,
    /// curl, Python, JavaScript, with the secret in place.
    pub(crate) snippets: Vec<Snippet>,
    pub(crate) scopes: Vec<Scope>,
    /// "never", "on 21 January 2027"
    pub(crate) expires: String,
    /// After a rotation: "works until 14:05 tomorrow" or "stopped working just now".
    pub(crate) old_secret: Option<String>,
    /// Worth knowing, and no error: "Another live key is called line-3-camera too."
    pub(crate) remark: Option<String>,
}

pub(crate) struct Snippet {
    pub(crate) label: String,
    pub(crate) code: String,
}

#[derive(Template)]
#[template(path = "key_already_shown.html")]
pub(crate) struct AlreadyShown {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
}
