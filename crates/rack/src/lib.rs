#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod book;
mod call_table;
mod caller;
mod callers;
mod counter;
mod earlier;
mod entry;
mod feed;
mod follower;
mod last_use;
mod lease;
mod meters;
mod narrowed;
mod outcome;
mod paged_vec;
mod rack;
mod shard;
mod steady_clock;
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
