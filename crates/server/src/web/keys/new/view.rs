//! The data of the Add New Key dialog.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::keys::fields::KeyFields;

#[derive(Template)]
#[template(path = "keys/new/new.html")]
pub(crate) struct NewKeyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    /// The name of this submission. The server executes a submission only once per nonce.
    pub(crate) nonce: String,
    pub(crate) fields: KeyFields,
    /// A warning that another key has the same name.
    pub(crate) same_name: Option<String>,
}
