//! Edit scopes.

use askama::Template;

use super::{Frame, KeyFields, PublicUseQuestion, WhatIf};

#[derive(Template)]
#[template(path = "key_edit.html")]
pub(crate) struct EditKey {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    /// As it is stored, whatever the name field holds.
    pub(crate) key_name: String,
    /// POST `revision`: what the form was filled from.
    pub(crate) revision: String,
    pub(crate) fields: KeyFields,
    /// The change permits more than before, and waits for a yes.
    pub(crate) widening: Option<Widening>,
    /// The key was seen by others, and the change waits for a yes to what that hands them.
    pub(crate) public_use: Option<PublicUseQuestion>,
    /// What the change would have refused, once that was asked.
    pub(crate) what_if: Option<WhatIf>,
    /// Somebody else changed the key meanwhile.
    pub(crate) conflict: Option<String>,
}

pub(crate) struct Widening {
    /// "train models", "upload datasets", …: what follows "This key will newly be able to".
    pub(crate) permits: Vec<String>,
    /// POST `confirm_widening`: says yes to exactly this widening, so that a form changed afterwards is asked about anew.
    pub(crate) token: String,
}
