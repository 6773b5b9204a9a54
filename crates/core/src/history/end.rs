//! The last line of a file: what it holds, so that an end that was cut off is missed.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hex;

/// How much of the history a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// All of it, up to when the file was written.
    Whole,
    /// What a filter left.
    Part,
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    pub end: Holds,
    pub workspace: String,
    /// How many entries there are in it.
    pub entries: u64,
    /// The first and the last of them; null where there is none.
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// SHA-256 of all lines before this one, and of this object without its sum.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sum: String,
}

impl End {
    /// With the sum over what stands before it.
    #[must_use]
    pub fn sealed(mut self, before: Sha256) -> Self {
        self.sum = hex(&self.sum_after(before));
        self
    }

    /// Whether the sum is the one that belongs here.
    pub fn is_sealed_by(&self, before: Sha256) -> bool {
        self.sum == hex(&self.sum_after(before))
    }

    fn sum_after(&self, before: Sha256) -> [u8; 32] {
        let bare = Self { sum: String::new(), ..self.clone() };
        before.chain_update(bare.json()).finalize().into()
    }

    /// The one way to write it.
    pub fn json(&self) -> String {
        // Texts and numbers: nothing that could not be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}
