//! Live keys in memory.
//!
//! A [`Rack`] holds every key of a deployment, found by the digest of a secret. Each request is decided
//! from it: no query, no lock that is held across anything slow, no allocation. A [`Follower`] fills it from a
//! [`Feed`] and keeps it equal to the store. It counts how checks end until somebody writes that down ([`Used`]).

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod book;
mod caller;
mod callers;
mod counter;
mod earlier;
mod feed;
mod follower;
mod last_use;
mod lease;
mod line;
mod meters;
mod narrowed;
mod outcome;
mod pages;
mod rack;
mod shard;
mod shelf;
mod steady;
mod sync;
mod table;
mod tally;
mod trust;
mod used;
mod visitors;

pub use caller::{Caller, Key, Refusal};
pub use callers::{Call, CallerBacklog, Callers, Calls, Words};
pub use feed::{Batches, ChangeId, Feed, Frame, Next, Position, Reading, Record, Revision, Snapshot};
pub use follower::Follower;
pub use last_use::LastUse;
pub use lease::{Clock, LEASE, WAIT};
pub use narrowed::Narrowed;
pub use outcome::Outcome;
pub use rack::{Gap, Rack, TOMBSTONE_LIFE};
#[cfg(feature = "shuttle")]
pub use sync::clock;
pub use tally::Seen;
pub use trust::{Moment, Trust};
pub use used::{UseBacklog, Used};
