//! The clock of rate limits: the time of requests, but never set back.
//!
//! Requests carry the time of day, which an operator or a time server may set back. A meter that was used at
//! a later time than the current one would deny its key until that time comes again. When the time of day
//! jumps back, this clock continues from the latest time instead.

use keyrack_key::Timestamp;

use crate::sync::atomic::{AtomicI64, Ordering};

/// Requests in different threads may read the clock in another order, up to this far apart, in microseconds.
const SLACK: i64 = 1_000_000;
/// The latest time is stored in steps of this size, in microseconds, so that threads rarely
/// write to the same memory.
const STEP: i64 = 10_000;

/// A clock that is never set back.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    /// The latest time so far, less up to one step.
    latest: AtomicI64,
    /// The difference between this clock and the time of day.
    ahead: AtomicI64,
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self { latest: AtomicI64::new(i64::MIN), ahead: AtomicI64::new(0) }
    }
}

impl SteadyClock {
    /// Returns the time of this clock when the time of day is `now`.
    pub(crate) fn at(&self, now: Timestamp) -> Timestamp {
        loop {
            let ahead = self.ahead.load(Ordering::Acquire);
            let time = now.micros().saturating_add(ahead);
            let latest = self.latest.load(Ordering::Acquire);
            if time.saturating_add(SLACK) >= latest {
                if time >= latest.saturating_add(STEP) {
                    self.latest.fetch_max(time, Ordering::AcqRel);
                }
                return Timestamp::from_micros(time);
            }
            let further = ahead.saturating_add(latest.saturating_sub(time));
            // If another thread was faster, the loop uses its value.
            let _ = self.ahead.compare_exchange(ahead, further, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Returns the latest time so far, less up to one step.
    pub(crate) fn latest(&self) -> Timestamp {
        Timestamp::from_micros(self.latest.load(Ordering::Acquire))
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn steady_clock_continues_when_time_is_set_back() {
        let steady = SteadyClock::default();
        assert_eq!([10, 20].map(|now| steady.at(at(now))), [10, 20].map(at));
        assert_eq!(steady.at(at(5)), at(20), "set back by fifteen seconds");
        assert_eq!([6, 16].map(|now| steady.at(at(now))), [21, 31].map(at));
        assert_eq!(steady.at(at(2)), at(31), "and again");
        assert_eq!((steady.at(at(3)), steady.latest()), (at(32), at(32)));
    }

    #[test]
    fn out_of_order_readings_are_kept() {
        let steady = SteadyClock::default();
        let times = [at(10), Timestamp::from_micros(9_100_000), at(10)];
        assert_eq!(times.map(|now| steady.at(now)), times);
    }
}
