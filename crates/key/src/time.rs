//! Points in time, as the store keeps them.

use std::time::Duration;

/// Microseconds since the Unix epoch, UTC. This crate has no `now`: callers pass the time in.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use keyrack_key::Timestamp;
///
/// let start = Timestamp::from_micros(0);
/// assert_eq!(start.plus(Duration::from_secs(1)).millis(), 1_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a timestamp from microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Returns whole milliseconds since the Unix epoch, or 0 for an earlier time.
    pub const fn millis(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0.unsigned_abs() / 1_000 }
    }

    /// Returns the fraction of the current millisecond, in units of 1/4096 ms.
    pub(crate) fn fraction_of_millisecond(self) -> u16 {
        let fraction = self.0.max(0) % 1_000 * 4_096 / 1_000;
        u16::try_from(fraction).unwrap_or_default()
    }

    /// Returns the time that is `span` later. Saturates at the largest timestamp.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the time that is `span` earlier. Saturates at the smallest timestamp.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the duration from `earlier` to this time, or zero if `earlier` is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}
