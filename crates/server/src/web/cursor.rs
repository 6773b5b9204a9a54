//! The position in a list of pages.

use serde::Deserialize;
use std::str::FromStr;

/// The position in a list, from the query of the URL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CursorQuery {
    cursor: String,
}

impl CursorQuery {
    /// The ID after which the page starts. `None` for the first page, and if the cursor is malformed.
    pub(super) fn after<T: FromStr>(&self) -> Option<T> {
        self.cursor.parse().ok()
    }
}
