//! Pause, and the end of an old secret: asked once.

use askama::Template;

use super::{By, Field, Frame, LastUse};

#[derive(Template)]
#[template(path = "key_pause.html")]
pub(crate) struct PauseKey {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) last_use: Option<LastUse>,
    /// A pause that is there already: what is chosen takes its place.
    pub(crate) paused: Option<Paused>,
    /// POST `for`: `10m` (also when empty), `resumed`.
    pub(crate) span: Field,
}

impl PauseKey {
    fn is_chosen(&self, span: &str) -> bool {
        self.span.is(span) || (self.span.value.is_empty() && span == "10m")
    }
}

/// A pause that is not over.
#[derive(Clone, Debug)]
pub(crate) struct Paused {
    pub(crate) since: By,
    /// "until 22 November 2026, 21:18 UTC", "until somebody resumes it".
    pub(crate) until: String,
}

#[derive(Template)]
#[template(path = "key_retire.html")]
pub(crate) struct RetireSecret {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    /// "…Z7pe works until 22 November 2026, 21:18 UTC"; nothing where none does.
    pub(crate) retiring: Option<String>,
    /// Who still calls with it.
    pub(crate) still_using: String,
}

/// Calls that were refused because the key is paused.
#[derive(Clone, Debug)]
pub(crate) struct RefusedCalls {
    /// "manage projects"; empty where the question was only whether the key is alive.
    pub(crate) does: String,
    /// `projects:manage`, or empty.
    pub(crate) permission: &'static str,
    /// "12 calls"
    pub(crate) calls: String,
}
