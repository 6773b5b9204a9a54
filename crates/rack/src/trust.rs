//! Until when a rack may be believed.

use std::time::Duration;

#[cfg(not(feature = "shuttle"))]
use rustix::time::{ClockId, clock_gettime};

use crate::sync::atomic::{AtomicU64, Ordering};

/// A point on this machine's own clock, which runs on whatever is done to the time of day.
///
/// `CLOCK_MONOTONIC`, in its coarse form where there is one: reading it costs nanoseconds, it is right after the process
/// was stopped and went on, and at most a tick (4 ms, or 10) behind. While the machine as a whole is suspended it stands still:
/// what such a machine lets through when it wakes is beyond the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

#[cfg(all(target_os = "linux", not(feature = "shuttle")))]
const CLOCK: ClockId = ClockId::MonotonicCoarse;
#[cfg(not(any(target_os = "linux", feature = "shuttle")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// How far the coarse clock may be behind.
const TICK: Duration = Duration::from_millis(10);

impl Moment {
    /// Now, or up to a tick ago.
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

    /// Now, or up to a tick ago.
    #[cfg(not(feature = "shuttle"))]
    pub fn now() -> Self {
        let time = clock_gettime(CLOCK);
        let nanos = u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000);
        Self(nanos.saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0)))
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// How long what a rack holds is as good as the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It is not: every request is refused.
    Never,
    /// Until then, unless it is renewed: whoever follows from another machine may be cut off and not know it.
    Until(Moment),
    /// Until further notice: whoever writes to the store brings each change to the rack before it is answered.
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
            // The clock that is read may be a tick behind the one that was meant.
            Trust::Until(Moment(end)) => {
                end.saturating_sub(u64::try_from(TICK.as_nanos()).unwrap_or(0)).clamp(NEVER + 1, ALWAYS - 1)
            }
            Trust::Always => ALWAYS,
        };
        self.0.store(until, Ordering::Release);
    }

    pub(crate) fn end_always(&self) {
        // Another trust has its own end, or none to be ended.
        let _ = self.0.compare_exchange(ALWAYS, NEVER, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether it holds now. The clock is read only where there is an end.
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
