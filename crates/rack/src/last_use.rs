//! When, from where, and by which program a secret was last used.

use std::net::IpAddr;

use keyrack_key::{Permission, Timestamp};

/// The number of bytes that are kept of a `User-Agent` header.
const AGENT: usize = 96;

/// The last allowed request with a secret.
///
/// # Examples
///
/// ```
/// use keyrack_key::Timestamp;
/// use keyrack_rack::LastUse;
///
/// let last = LastUse::new(Timestamp::from_micros(0), None, None, b"curl/8.9\n");
/// assert_eq!(last.agent(), "curl/8.9");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// The time of the request.
    pub at: Timestamp,
    /// The address of the client; `None` if it is unknown.
    pub address: Option<IpAddr>,
    /// The permission that the route required, if any.
    pub permission: Option<Permission>,
    agent: [u8; AGENT],
    agent_length: u8,
}

impl LastUse {
    /// Creates a last use at `at`. Keeps the first 96 bytes of printable ASCII of
    /// `agent`, the `User-Agent` header.
    pub fn new(at: Timestamp, address: Option<IpAddr>, permission: Option<Permission>, agent: &[u8]) -> Self {
        let mut kept = [0; AGENT];
        let mut length = 0;
        for (slot, byte) in kept.iter_mut().zip(agent.iter().filter(|b| matches!(b, b' '..=b'~'))) {
            *slot = *byte;
            length += 1;
        }
        Self { at, address, permission, agent: kept, agent_length: length }
    }

    /// Returns the kept part of the `User-Agent` header.
    pub fn agent(&self) -> &str {
        std::str::from_utf8(&self.agent[..usize::from(self.agent_length)]).unwrap_or_default()
    }
}
