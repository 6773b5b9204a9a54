//! How long the content of a rack may be trusted.

use std::time::Duration;

#[cfg(not(feature = "shuttle"))]
use rustix::time::{ClockId, clock_gettime};

use crate::sync::atomic::{AtomicU64, Ordering};

/// A point on the monotonic clock of this machine, which changes of the time of day do not affect.
///
/// `CLOCK_MONOTONIC`, in its coarse form on Linux: reading it takes nanoseconds, it continues while the
/// process is stopped, and it is at most one tick behind (4 or 10 ms). It does not advance while the whole
/// machine is suspended, so no deadline holds across a suspension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

#[cfg(all(target_os = "linux", not(feature = "shuttle")))]
const CLOCK: ClockId = ClockId::MonotonicCoarse;
#[cfg(not(any(target_os = "linux", feature = "shuttle")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// How far the coarse clock may be behind.
const TICK: Duration = Duration::from_millis(10);

impl Moment {
    /// Returns the current time, up to a tick late.
    #[cfg(feature = "shuttle")]
    pub fn now() -> Self {
        Self(crate::sync::clock::read())
    }

    #[cfg(feature = "shuttle")]
    pub(crate) const fn of(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    #[cfg(feature = "shuttle")]
    pub(crate) const fn nanoseconds(self) -> u64 {
        self.0
    }

    /// Returns the current time, up to a tick late.
    #[cfg(not(feature = "shuttle"))]
    pub fn now() -> Self {
        let time = clock_gettime(CLOCK);
        let nanos = u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000);
        Self(nanos.saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0)))
    }

    /// Returns the point that is `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// How long the content of a rack counts as equal to the store.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use keyrack_rack::{Moment, Rack, Trust};
///
/// let rack = Rack::new();
/// assert!(!rack.is_trusted());
/// rack.trust(Trust::Until(Moment::now().plus(Duration::from_mins(1))));
/// assert!(rack.is_trusted());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Never: every request is denied.
    Never,
    /// Until this point, unless renewed. For a rack that follows another machine and may
    /// be cut off without notice.
    Until(Moment),
    /// Until further notice. For a process that writes to the store itself, and applies each change to the
    /// rack before it reports success.
    Always,
}

/// A [`Trust`] that one task sets and every check reads.
#[derive(Debug, Default)]
pub(crate) struct Trusted(AtomicU64);

const NEVER: u64 = 0;
const ALWAYS: u64 = u64::MAX;

impl Trusted {
    pub(crate) fn set(&self, trust: Trust) {
        let until = match trust {
            Trust::Never => NEVER,
            // The clock that checks read may be a tick behind.
            Trust::Until(Moment(end)) => {
                end.saturating_sub(u64::try_from(TICK.as_nanos()).unwrap_or(0)).clamp(NEVER + 1, ALWAYS - 1)
            }
            Trust::Always => ALWAYS,
        };
        self.0.store(until, Ordering::Release);
    }

    pub(crate) fn end_always(&self) {
        // A trust with a deadline, or none, stays as it is.
        let _ = self.0.compare_exchange(ALWAYS, NEVER, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Returns `true` if the trust holds now. Reads the clock only if there is a deadline.
    pub(crate) fn holds(&self) -> bool {
        match self.0.load(Ordering::Acquire) {
            NEVER => false,
            ALWAYS => true,
            until => Moment::now().0 < until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_ends_at_deadline() {
        let trusted = Trusted::default();
        assert!(!trusted.holds());
        trusted.set(Trust::Always);
        assert!(trusted.holds());
        trusted.set(Trust::Until(Moment::now().plus(Duration::from_mins(1))));
        assert!(trusted.holds());
        trusted.set(Trust::Until(Moment::now().plus(TICK)));
        assert!(!trusted.holds(), "less what the clock may be behind");
        trusted.set(Trust::Until(Moment(0)));
        assert!(!trusted.holds());
        trusted.set(Trust::Never);
        assert!(!trusted.holds());
    }
}
