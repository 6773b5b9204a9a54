//! The one place that reads the time.

use std::time::SystemTime;

use keyrack_key::Timestamp;

/// Now, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "everything else is told the time from here")]
pub fn now() -> Timestamp {
    // A clock before 1970 is a broken clock; every key is then as old as the epoch.
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
