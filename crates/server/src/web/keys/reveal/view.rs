//! The page that shows a new secret, and the page for a form that is submitted again.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::keys::first_call::FirstCallLine;
use crate::web::text::{ScopeBadge, Snippet};

#[derive(Template)]
#[template(path = "keys/reveal/reveal.html")]
pub(crate) struct RevealSecretPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) secret: String,
    /// Whether the key is publishable.
    pub(crate) public: bool,
    /// Whether the secret has been used.
    pub(crate) call: FirstCallLine,
    /// Examples that contain the secret.
    pub(crate) snippets: Vec<Snippet>,
    pub(crate) scopes: Vec<ScopeBadge>,
    /// The expiry, such as "never" or "on 21 Jan 2027".
    pub(crate) expires: String,
    /// After a rotation, the end of the old secret, such as "works until 14:05 tomorrow".
    pub(crate) old_secret: Option<String>,
    /// A remark, such as "Another live key is called line-3-camera too."
    pub(crate) remark: Option<String>,
}

#[derive(Template)]
#[template(path = "keys/reveal/already_shown.html")]
pub(crate) struct AlreadyShownPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    /// Whether the key is publishable.
    pub(crate) public: bool,
}
