//! The line that waits for the first request with a new secret, and the page with this line.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::text::DisplayTime;

#[derive(Template)]
#[template(path = "keys/first_call/first_call.html")]
pub(crate) struct FirstCallPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) key_name: String,
    pub(crate) masked: String,
    pub(crate) call: FirstCallLine,
}

pub(crate) struct FirstCallLine {
    /// The URL that the script polls.
    pub(crate) url: String,
    pub(crate) state: FirstCallState,
}

pub(crate) enum FirstCallState {
    /// No request has arrived.
    Awaited,
    /// The request was denied, for this reason, which follows "refused:".
    Refused(String),
    Came {
        when: DisplayTime,
        /// The address of the client. Empty if it is unknown.
        from: String,
        /// The use, such as "manage projects". Empty if the request only verified the key.
        does: String,
        /// The permission, such as `projects:manage`. Empty if the request only verified the key.
        permission: &'static str,
    },
    /// This process does not wait for the secret: it was created too long ago, by another process, or before a restart.
    NotAwaited,
}

impl FirstCallLine {
    /// The state as a word for the style sheet and the script.
    pub(crate) fn word(&self) -> &'static str {
        match self.state {
            FirstCallState::Awaited => "awaited",
            FirstCallState::Refused(_) => "refused",
            FirstCallState::Came { .. } => "came",
            FirstCallState::NotAwaited => "not-awaited",
        }
    }
}
