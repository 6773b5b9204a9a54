//! What a node and the server that it follows agree on about time.

use std::time::Duration;

use keyrack_key::Timestamp;

/// Reads the current time. Code takes it as an argument so that tests control the time.
pub type Clock = fn() -> Timestamp;

/// How long a node may decide from its memory after the start of the last request that renewed its lease, unless it
/// registered to go on longer when it is cut off.
pub const LEASE: Duration = Duration::from_secs(5);

/// The longest that a server holds back its response to a request for changes while there are none.
pub const WAIT: Duration = Duration::from_secs(1);
