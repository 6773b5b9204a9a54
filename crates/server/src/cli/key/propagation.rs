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
        write!(f, "{} (it can still accept it until {})", self.name, self.until)
    }
}

impl PropagationView {
    /// Joins `done` with `everywhere` if every node has confirmed the change, and otherwise with the names of
    /// the unconfirmed nodes.
    pub(super) fn describe(&self, done: &str, everywhere: &str) -> String {
        let pending: Vec<_> = self.unconfirmed.iter().map(ToString::to_string).collect();
        match pending.as_slice() {
            [] => format!("{done}: {everywhere}"),
            pending => format!("{done}; not confirmed yet by {}", sanitized(&pending.join(", "))),
        }
    }
}
