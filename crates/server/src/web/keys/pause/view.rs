//! The data of the dialog that pauses a key.

use askama::Template;

use crate::web::form::Field;
use crate::web::frame::Frame;
use crate::web::text::{LastUsed, PauseSummary};

#[derive(Template)]
#[template(path = "keys/pause/pause.html")]
pub(crate) struct PauseKeyPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) last_used: Option<LastUsed>,
    /// The current pause. The new pause replaces it.
    pub(crate) paused: Option<PauseSummary>,
    /// The form field `from`: where the user returns to.
    pub(crate) from: String,
    /// The form field `for`: a span such as `10m` (the default), or `resumed`.
    pub(crate) span: Field,
}

impl PauseKeyPage {
    fn is_chosen(&self, span: &str) -> bool {
        self.span.is(span) || (self.span.value.is_empty() && span == "10m")
    }
}
