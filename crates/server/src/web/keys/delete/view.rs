//! The confirmation before a key is deleted.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;
use crate::web::text::LastUsed;

#[derive(Template)]
#[template(path = "keys/delete/delete.html")]
pub(crate) struct DeleteKeyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) last_used: Option<LastUsed>,
    /// The form field `reason`, optional.
    pub(crate) reason: Field,
}
