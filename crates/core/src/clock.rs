//! The only module that reads the system clock.

use std::time::SystemTime;

use keyrack_key::Timestamp;

/// The current time of the system clock.
#[expect(clippy::disallowed_methods, reason = "all other code gets the time from here")]
pub fn now() -> Timestamp {
    // A clock before 1970 is wrong; the time is then the epoch.
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
