//! Exports of the audit log of a workspace, and their verification without a server.
//!
//! An export lists entries from oldest to newest, one on each line, each with all inputs of its hash (see the chain in
//! `keyrack-store`). The last line describes the content and contains the SHA-256 of all previous lines. This reveals
//! accidental changes: altered, moved, removed, or truncated lines. An attacker who recomputes the sum must also
//! recompute all hashes, and a copy of the newest hash that is kept elsewhere reveals that.
//!
//! Each entry has exactly one valid encoding, byte for byte. A line with another encoding of the same entry was altered.

mod end;
mod line;
mod row;
mod verify;
mod writer;

use std::str::FromStr;

use keyrack_store::ChainedEntry;

pub use end::{ExportEnd, ExportExtent};
pub use verify::{ExportDefect, ExportVerifier, IntactExport, Verification};
pub use writer::ExportWriter;

/// The format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object on each line.
    JsonLines,
    /// RFC 4180, safe to open in a spreadsheet.
    Csv,
}

impl ExportFormat {
    /// The name of the format in the API, which is also the file extension.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

impl FromStr for ExportFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::JsonLines, Self::Csv].into_iter().find(|one| one.name() == text).ok_or("Use jsonl or csv.")
    }
}

/// An entry with its recorded hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedEntry {
    pub link: ChainedEntry,
    pub hash: Hash,
}

type Hash = [u8; 32];

/// A line of an export, in any format.
enum ExportLine {
    Entry(HashedEntry),
    End(ExportEnd),
}

/// Formats a number of entries: "1 entry", "1,204 entries".
pub fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(number)) }
}

/// Formats a number with thousands separators: "1,204".
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let left = (0..digits.len()).rev();
    digits.chars().zip(left).fold(String::new(), |mut text, (digit, left)| {
        text.push(digit);
        if left > 0 && left.is_multiple_of(3) {
            text.push(',');
        }
        text
    })
}

fn unhex(text: &str) -> Option<Hash> {
    let mut bytes = Hash::default();
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
