//! Where a change has arrived, as people read it.

use std::fmt;

use serde::Deserialize;

use crate::cli::told::harmless;

/// What the API says of where a change has arrived.
#[derive(Deserialize)]
pub(super) struct Propagation {
    unconfirmed: Vec<Unconfirmed>,
}

#[derive(Deserialize)]
struct Unconfirmed {
    name: String,
    until: String,
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (it can still accept it until {})", self.name, self.until)
    }
}

impl Propagation {
    /// `done`, and what that means where it has arrived: `everywhere`, unless somebody is late.
    pub(super) fn tell(&self, done: &str, everywhere: &str) -> String {
        let late: Vec<_> = self.unconfirmed.iter().map(ToString::to_string).collect();
        match late.as_slice() {
            [] => format!("{done}: {everywhere}"),
            late => format!("{done}; not confirmed yet by {}", harmless(&late.join(", "))),
        }
    }
}
