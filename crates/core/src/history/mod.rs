//! The history of a workspace as a file, and how such a file is verified without any server.
//!
//! Oldest first, an entry a line, each with what its hash is made of (see the chain in `keyrack-store`). The last line
//! says what the file holds and the SHA-256 of everything before it, so that nothing can be altered, moved, taken out or
//! cut off unseen: not by an accident, and not by somebody who does not compute the sum anew. Whoever does that still
//! has to make all hashes anew, and the newest of them is kept elsewhere by whoever wants to know.
//!
//! There is one way to write an entry, to the byte. A line that reads alike and is written otherwise was altered.

mod end;
mod line;
mod row;
mod verify;
mod writer;

use std::str::FromStr;

use keyrack_store::ChainedEntry;

pub use end::{End, Holds};
pub use verify::{Held, Verdict, Verifier, Wrong};
pub use writer::Writer;

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    JsonLines,
    /// RFC 4180, safe to be opened in a spreadsheet.
    Csv,
}

impl Format {
    /// The word in the API, and the ending of a file's name.
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

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::JsonLines, Self::Csv].into_iter().find(|one| one.name() == text).ok_or("expected jsonl or csv")
    }
}

/// An entry with the hash that stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub link: ChainedEntry,
    pub hash: Hash,
}

type Hash = [u8; 32];

/// A line of a file, whichever format it has.
enum Line {
    Entry(Sealed),
    End(End),
}

/// 64 hexadecimal digits.
pub fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
        text
    })
}

/// "1 entry", "1,204 entries".
pub fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(number)) }
}

/// "1,204".
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
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}
