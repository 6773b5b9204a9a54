//! The confirmation before a key is deleted.

use askama::Template;

use super::{Field, Frame, LastUsed};

#[derive(Template)]
#[template(path = "key_delete.html")]
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
