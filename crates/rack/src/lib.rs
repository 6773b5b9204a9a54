//! Live keys in memory.
//!
//! A [`Rack`] holds every key of a deployment, found by the digest of a secret. Each request is decided
//! from it: no query, no lock that is held across anything slow, no allocation. A [`Follower`] fills it from a
//! [`Feed`] and keeps it equal to the store; [`Uses`] remembers when each key was last used until somebody writes it down.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod feed;
mod follower;
mod table;
mod uses;

pub use feed::{ChangeId, Feed, Frame, Next, Position, Record, Revision, Snapshot};
pub use follower::Follower;
pub use table::{Caller, Gap, Key, Rack, Refusal, TOMBSTONE_LIFE};
pub use uses::{LastUse, Uses};
