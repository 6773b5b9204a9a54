//! The Edit Scopes dialog.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::keys::exposure::ExposureQuestion;
use crate::web::keys::fields::KeyFields;
use crate::web::keys::what_if::WhatIfPanel;

#[derive(Template)]
#[template(path = "keys/edit/edit.html")]
pub(crate) struct EditKeyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    /// The stored name, regardless of the name field.
    pub(crate) key_name: String,
    /// The form field `revision`: the revision of the key that the form shows.
    pub(crate) revision: String,
    pub(crate) fields: KeyFields,
    /// A question, if the change grants more permissions than before.
    pub(crate) permission_question: Option<PermissionQuestion>,
    /// A question, if the change grants more to an exposed key.
    pub(crate) exposure_question: Option<ExposureQuestion>,
    /// The effect of the change, if the user requested it.
    pub(crate) what_if: Option<WhatIfPanel>,
    /// A message, if the key was changed by someone else in the meantime.
    pub(crate) conflict: Option<String>,
}

pub(crate) struct PermissionQuestion {
    /// The new abilities, such as "train models", which follow "This key will newly be able to".
    pub(crate) permits: Vec<String>,
    /// The form field `confirm_widening`. It confirms exactly these permissions, so that a further change needs
    /// a new confirmation.
    pub(crate) token: String,
}
