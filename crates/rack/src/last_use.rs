//! The last use of a secret: when, from where, by what program.

use std::net::IpAddr;

use keyrack_key::{Permission, Timestamp};

/// The longest agent that is kept, in bytes; more is cut off.
const AGENT: usize = 96;

/// One use of a key: the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where, if known.
    pub address: Option<IpAddr>,
    /// What it was used for.
    pub permission: Option<Permission>,
    agent: [u8; AGENT],
    agent_length: u8,
}

impl LastUse {
    /// A use at `at`. Of `agent` (the `User-Agent` header) the first 96 bytes of printable ASCII are kept.
    pub fn new(at: Timestamp, address: Option<IpAddr>, permission: Option<Permission>, agent: &[u8]) -> Self {
        let mut kept = [0; AGENT];
        let mut length = 0;
        for (place, byte) in kept.iter_mut().zip(agent.iter().filter(|b| matches!(b, b' '..=b'~'))) {
            *place = *byte;
            length += 1;
        }
        Self { at, address, permission, agent: kept, agent_length: length }
    }

    /// The program that used it, as it called itself.
    pub fn agent(&self) -> &str {
        std::str::from_utf8(&self.agent[..usize::from(self.agent_length)]).unwrap_or_default()
    }
}
