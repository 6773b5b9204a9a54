//! The callers of each key: written in batches, limited in number.

mod read;
mod write;

pub(crate) use write::write_callers;

use std::net::IpAddr;

use ipnet::IpNet;
use keyrack_key::{Hint, KeyId, Permission, Timestamp};

/// The source of a caller's requests, as precisely as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerSource {
    /// An address, or `None` if the address wasn't known.
    Address(Option<IpAddr>),
    /// Any address and program of a network. Used when a key has too many callers to store each address.
    Network(IpNet),
    /// All callers after a key reached its limit of stored callers.
    Others,
}

/// A caller of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerRow {
    /// The caller's ID, unique within the key.
    pub id: i64,
    /// The hint of the secret that the caller uses.
    pub hint: Hint,
    /// The address or network of the caller.
    pub source: CallerSource,
    /// The origin of the calling page. Empty if the request had none.
    pub origin: String,
    /// The program's own name (`User-Agent`). Empty if it is missing or the row stands for several programs.
    pub agent: String,
    /// The time of the first request.
    pub first: Timestamp,
    /// The time of the last request.
    pub last: Timestamp,
    /// The permission that the last request needed. `None` if the request only checked the key.
    pub permission: Option<Permission>,
    /// The code of the last denial, if any.
    pub last_denial: Option<String>,
    /// The number of allowed requests in the queried period.
    pub allowed: u64,
    /// The number of denied requests in the queried period.
    pub denied: u64,
}

/// One of the callers of a key that had an allowed request in the queried period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveCaller {
    pub key: KeyId,
    pub caller: CallerRow,
    /// The number of all such callers of the key.
    pub callers: u64,
}

/// The position after a page of callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerCursor {
    last: Timestamp,
    id: i64,
}

/// The allowed requests of a caller for a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerUsage {
    /// The caller's [`CallerRow::id`].
    pub caller: i64,
    pub permission: Option<Permission>,
    /// The number of requests.
    pub allowed: u64,
}

/// The last caller of a secret, and the number of callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUsage {
    /// The caller with the latest request.
    pub last: CallerRow,
    /// The number of callers.
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
