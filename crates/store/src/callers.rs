//! Who calls with a key, written down in batches and kept within bounds.

mod read;
mod write;

pub(crate) use write::{day_of, write_callers};

use std::net::IpAddr;

use ipnet::IpNet;
use keyrack_key::{Hint, Permission, Timestamp};

/// Who calls, as precisely as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whence {
    /// From one address; nothing where it was not known.
    Address(Option<IpAddr>),
    /// From anywhere in a network, with any program: too many addresses called to keep each.
    Network(IpNet),
    /// All those who came when there was no room for more.
    Rest,
}

/// Somebody who calls with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerRow {
    /// Names it within its key.
    pub id: i64,
    /// The secret that they call with.
    pub hint: Hint,
    /// From where.
    pub whence: Whence,
    /// The origin of the page that calls; empty where none does.
    pub origin: String,
    /// The program, as it calls itself; empty where it does not, or where many do.
    pub agent: String,
    /// When they first called.
    pub first: Timestamp,
    /// When they last called.
    pub last: Timestamp,
    /// What was asked for last; nothing where the question was only whether the key is alive.
    pub permission: Option<Permission>,
    /// The code of the last refusal, if there was one.
    pub refused: Option<String>,
    /// Calls that were let through, in the time that was asked about.
    pub allowed: u64,
    /// Calls that were refused, likewise.
    pub refusals: u64,
}

/// Where a page of callers ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerCursor {
    last: Timestamp,
    id: i64,
}

/// Calls of one caller for one permission that were let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerUse {
    /// The caller, by [`CallerRow::id`].
    pub caller: i64,
    /// What was asked for.
    pub permission: Option<Permission>,
    /// How often.
    pub allowed: u64,
}

/// The last who called with one secret of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// The last to call.
    pub last: CallerRow,
    /// How many different callers there are.
    pub callers: u64,
}

impl std::fmt::Display for CallerCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.last.micros(), self.id)
    }
}

impl std::str::FromStr for CallerCursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (last, id) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self { last: Timestamp::from_micros(last.parse()?), id: id.parse()? })
    }
}
