//! The dialog that rotates a key.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;

#[derive(Template)]
#[template(path = "keys/rotate/rotate.html")]
pub(crate) struct RotateKeyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) nonce: String,
    /// The form field `overlap`, the grace period: `0s`, `1h`, `24h` (also if empty), or `7d`.
    pub(crate) overlap: Field,
    /// The hint of an old secret that still works, such as "…Z7pe". Rotating again revokes this secret immediately.
    pub(crate) retiring: Option<String>,
}

impl RotateKeyPage {
    fn is_chosen(&self, overlap: &str) -> bool {
        self.overlap.is(overlap) || (self.overlap.value.is_empty() && overlap == "24h")
    }
}
