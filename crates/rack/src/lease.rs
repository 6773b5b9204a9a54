//! The clock, and the times that a node and its server agree on.

use std::time::Duration;

use keyrack_key::Timestamp;

/// Returns the current time. An argument wherever time matters, so that tests choose the time.
pub type Clock = fn() -> Timestamp;

/// How long a node may decide after the start of its last request for changes, unless it registered to continue
/// while it cannot reach the server.
pub const LEASE: Duration = Duration::from_secs(5);

/// The longest time that the server waits for a change before it responds to a request for changes.
pub const WAIT: Duration = Duration::from_secs(1);
