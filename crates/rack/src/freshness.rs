//! How long the content of a rack counts as equal to the store.

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
/// use keyrack_rack::{Freshness, Moment, Rack};
///
/// let rack = Rack::new();
/// assert!(!rack.is_fresh());
/// rack.set_freshness(Freshness::FreshUntil(Moment::now().plus(Duration::from_mins(1))));
/// assert!(rack.is_fresh());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The content may be out of date: every request is denied.
    Stale,
    /// Until this point, unless renewed. For a rack that follows another machine and may
    /// be cut off without notice.
    FreshUntil(Moment),
    /// Until further notice. For a process that writes to the store itself, and applies each change to the
    /// rack before it reports success.
    Fresh,
}

/// A [`Freshness`] that one task sets and every check reads.
#[derive(Debug, Default)]
pub(crate) struct FreshnessCell(AtomicU64);

const STALE: u64 = 0;
const FRESH: u64 = u64::MAX;

impl FreshnessCell {
    pub(crate) fn set(&self, freshness: Freshness) {
        let until = match freshness {
            Freshness::Stale => STALE,
            // The clock that checks read may be a tick behind.
            Freshness::FreshUntil(Moment(end)) => {
                end.saturating_sub(u64::try_from(TICK.as_nanos()).unwrap_or(0)).clamp(STALE + 1, FRESH - 1)
            }
            Freshness::Fresh => FRESH,
        };
        self.0.store(until, Ordering::Release);
    }

    pub(crate) fn end_without_deadline(&self) {
        // Freshness with a deadline ends at the deadline.
        let _ = self.0.compare_exchange(FRESH, STALE, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Returns `true` if the content is fresh now. Reads the clock only if there is a deadline.
    pub(crate) fn is_fresh(&self) -> bool {
        match self.0.load(Ordering::Acquire) {
            STALE => false,
            FRESH => true,
            until => Moment::now().0 < until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_ends_at_deadline() {
        let cell = FreshnessCell::default();
        assert!(!cell.is_fresh());
        cell.set(Freshness::Fresh);
        assert!(cell.is_fresh());
        cell.set(Freshness::FreshUntil(Moment::now().plus(Duration::from_mins(1))));
        assert!(cell.is_fresh());
        cell.set(Freshness::FreshUntil(Moment::now().plus(TICK)));
        assert!(!cell.is_fresh(), "less what the clock may be behind");
        cell.set(Freshness::FreshUntil(Moment(0)));
        assert!(!cell.is_fresh());
        cell.set(Freshness::Stale);
        assert!(!cell.is_fresh());
    }
}
