//! The line that waits for the first call with a new secret, and its page.

use askama::Template;

use super::{Frame, Moment};

#[derive(Template)]
#[template(path = "key_first_call.html")]
pub(crate) struct FirstCallPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) call: FirstCall,
}

pub(crate) struct FirstCall {
    /// Where to look again.
    pub(crate) url: String,
    pub(crate) stand: FirstCallStand,
}

pub(crate) enum FirstCallStand {
    /// Nobody has called.
    Awaited,
    /// Refused, and why: what stands behind "refused:".
    Refused(String),
    Came {
        when: Moment,
        /// An address; empty when none is known.
        from: String,
        /// "manage projects"; empty where the question was only whether the key is alive.
        does: String,
        /// `projects:manage`, or empty.
        permission: &'static str,
    },
    /// The secret was handed out too long ago, or elsewhere, or the server was started anew.
    NotAwaited,
}

impl FirstCall {
    /// A word for style and script.
    pub(crate) fn word(&self) -> &'static str {
        match self.stand {
            FirstCallStand::Awaited => "awaited",
            FirstCallStand::Refused(_) => "refused",
            FirstCallStand::Came { .. } => "came",
            FirstCallStand::NotAwaited => "not-awaited",
        }
    }
}
