//! Which nodes have confirmed a change, in words.

use std::fmt;

use serde::Deserialize;

use crate::cli::output::sanitized;

/// The part of a response that lists the nodes that have not confirmed a change.
#[derive(Deserialize)]
pub(super) struct PropagationView {
    unconfirmed: Vec<UnconfirmedNodeView>,
}

#[derive(Deserialize)]
struct UnconfirmedNodeView {
    name: String,
    until: String,
}

impl fmt::Display for UnconfirmedNodeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, which may accept it until {}", self.name, self.until)
    }
}

impl PropagationView {
    /// Returns `done` as a sentence, followed by the names of the nodes that have not confirmed the change.
    pub(super) fn describe(&self, done: &str) -> String {
        let pending: Vec<_> = self.unconfirmed.iter().map(ToString::to_string).collect();
        match pending.as_slice() {
            [] => format!("{done}."),
            pending => format!("{done}. Not yet confirmed by {}.", sanitized(&pending.join(", "))),
        }
    }
}
