//! Rotate: a new secret now, and how long the old one lives beside it.

use askama::Template;

use super::{Field, Frame};

#[derive(Template)]
#[template(path = "key_rotate.html")]
pub(crate) struct RotateKey {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) nonce: String,
    /// POST `overlap`: `0s`, `1h`, `24h` (also when empty), `7d`.
    pub(crate) overlap: Field,
    /// A rotation is under way already: the hint of the secret that retires, "…Z7pe". It ends at once.
    pub(crate) retiring: Option<String>,
}

impl RotateKey {
    fn is_chosen(&self, overlap: &str) -> bool {
        self.overlap.is(overlap) || (self.overlap.value.is_empty() && overlap == "24h")
    }
}
