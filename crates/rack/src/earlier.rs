//! The meters of a key's earlier rate limits, kept until they have recovered.
//!
//! When a rate limit changes, the meter of the new one starts with the used share of the old one, but that
//! share then recovers at the speed of the new rate. Therefore the meter of the old rate is kept until it has
//! recovered, and each later change starts with the largest share of all kept meters. A rate that is removed
//! is kept in the same way, and a rate that is restored gets its own meter back.
//!
//! This guarantees the following, for any set of rates and any order of changes. Count each request that was
//! allowed under one of these rates as its share (1/100 under 100 requests per day). Then the sum in any
//! period is at most 1, plus that period divided by the shortest recovery time in the set. With a set of one,
//! a rate allows no more than its burst and what recovers, however often it was replaced in between. The
//! reason: take an account that grows with each such request and shrinks at the speed of the fastest rate in
//! the set. While one of the rates is in force, its meter shows at least the share of the account; otherwise
//! a kept meter does, which shrinks no faster. So no request is allowed that the account has no room for.
//!
//! A request that is checked while its key changes counts in the meter that it found. That meter is kept, so
//! the request counts from the next change on.

use keyrack_key::{Rate, Timestamp};

/// The number of kept rates. One more is merged: the fastest adds its share to the next one,
/// and recovers at that speed.
const KEPT_MAX: usize = 2;

/// A meter of one rate.
pub(crate) trait UsageMeter {
    /// Raises the used share under `rate` to the share that `earlier` has under `was` at `now`.
    fn raise(&self, rate: Rate, earlier: &Self, was: Rate, now: Timestamp);

    /// Returns `true` if earlier requests could lead to a denial at `now`.
    fn counts(&self, rate: Rate, now: Timestamp) -> bool;
}

/// The earlier rates of a key and their meters, ordered by the time to recover, fastest first.
#[derive(Debug)]
pub(crate) struct EarlierMeters<M>(Vec<(Rate, M)>);

impl<M> Default for EarlierMeters<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M: UsageMeter> EarlierMeters<M> {
    /// Returns the meter of `rate`, which replaces `current`. `fresh` creates an unused meter.
    pub(crate) fn replace(
        &mut self,
        current: Option<(Rate, M)>,
        rate: Option<Rate>,
        now: Timestamp,
        fresh: impl FnOnce() -> M,
    ) -> Option<(Rate, M)> {
        if current.as_ref().map(|(was, _)| *was) == rate {
            return current;
        }
        self.0.extend(current);
        self.0.retain(|(was, meter)| meter.counts(*was, now));
        self.0.sort_by_key(|(was, _)| was.recovery());
        let own = rate.map(|rate| {
            let found = self.0.iter().position(|(was, _)| *was == rate);
            let own = found.map_or_else(fresh, |found| self.0.remove(found).1);
            self.0.iter().for_each(|(was, meter)| own.raise(rate, meter, *was, now));
            (rate, own)
        });
        if self.0.len() > KEPT_MAX {
            let (was, fastest) = self.0.remove(0);
            let (rate, next) = &self.0[0];
            next.raise(*rate, &fastest, was, now);
        }
        own
    }

    /// Returns `true` if an earlier rate has not recovered.
    pub(crate) fn counts(&self, now: Timestamp) -> bool {
        self.0.iter().any(|(rate, meter)| meter.counts(*rate, now))
    }
}
