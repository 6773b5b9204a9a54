//! The last line of an exported file, which describes the content so that a truncated file is detected.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How much of the audit log a file contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportExtent {
    /// All entries up to the time of the export.
    Whole,
    /// The entries that match a filter.
    Part,
}

/// The description of a file in its last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportEnd {
    pub end: ExportExtent,
    pub workspace: String,
    /// The number of entries in the file.
    pub entries: u64,
    /// The numbers of the first and the last entry. Null if the file has no entries.
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// SHA-256 of all previous lines, and of this object without its sum.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sum: String,
}

impl ExportEnd {
    /// Sets the sum. `before` is the hash state after all previous lines.
    #[must_use]
    pub fn with_sum(mut self, before: Sha256) -> Self {
        self.sum = hex::encode(self.sum_after(before));
        self
    }

    /// Whether the sum is correct. `before` is the hash state after all previous lines.
    pub fn has_valid_sum(&self, before: Sha256) -> bool {
        self.sum == hex::encode(self.sum_after(before))
    }

    fn sum_after(&self, before: Sha256) -> [u8; 32] {
        let bare = Self { sum: String::new(), ..self.clone() };
        before.chain_update(bare.json()).finalize().into()
    }

    /// The canonical JSON of the line.
    pub fn json(&self) -> String {
        // Serialization of strings and numbers cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
