//! The data of the dialog that revokes the old secret of a key.

use askama::Template;

use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "keys/retire/retire.html")]
pub(crate) struct RetireSecretPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    /// The old secret, such as "…Z7pe works until 22 Nov 2026, 21:18 UTC". `None` if no old secret works.
    pub(crate) retiring: Option<String>,
    /// A sentence about callers that still use the old secret.
    pub(crate) still_using: String,
}
