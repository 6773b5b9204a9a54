//! The data of the dialog that changes the note of a key.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "keys/note/note.html")]
pub(crate) struct KeyNotePage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    /// The form field `note`, optional.
    pub(crate) note: Field,
}
