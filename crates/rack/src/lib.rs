#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod active_restrictions;
mod book;
mod call_table;
mod caller;
mod callers;
mod counter;
mod earlier;
mod entry;
mod entry_location;
mod feed;
mod follower;
mod freshness;
mod last_use;
mod lease;
mod meters;
mod outcome;
mod paged_vec;
mod rack;
mod sanitized_text;
mod shard;
mod steady_clock;
mod sync;
mod table;
mod tally;
mod usage;
mod visitors;

pub use active_restrictions::ActiveRestrictions;
pub use caller::{Caller, DeniedCheck, Key};
pub use callers::{Call, CallGroup, CallerBacklog, CallerLog};
pub use feed::{
    ChangeId, Feed, FeedUpdate, Frame, KeyRecord, Position, RecordBatches, Revision, Snapshot, SnapshotReader,
};
pub use follower::Follower;
pub use freshness::{Freshness, Moment};
pub use last_use::LastUse;
pub use lease::{Clock, LEASE, WAIT};
pub use outcome::Outcome;
pub use rack::{Gap, Rack, TOMBSTONE_LIFE};
pub use sanitized_text::SanitizedText;
#[cfg(feature = "shuttle")]
pub use sync::clock;
pub use usage::{SecretExposure, SecretUsage, UsageBacklog};
