//! The meters of the rates that a key had before, for as long as they count.
//!
//! A change of a rate hands the share that is used to the meter of the new rate, but that share recovers as fast as the new rate
//! says. So the meter of the old rate is kept until it has recovered, and each later change takes the largest share of all
//! that are kept. A rate that is removed is kept in the same way, and so is one that is set again: it gets its own meter back.
//!
//! What this guarantees, for any set of rates and any order of changes: count each request that was allowed under one of these
//! rates as its share (1/100 under 100 requests per day). Then the sum in any period is at most 1, plus that period divided by
//! the shortest recovery time in the set. With a set of one, a rate allows no more than its burst and what recovers, however
//! often it was replaced in between. The reason: take an account that grows with each such request and shrinks at the speed of
//! the fastest rate in the set. While one of them is in force, its meter shows at least that share; while none is, a kept one
//! does, which shrinks no faster. So no request is allowed that the account has no room for.
//!
//! A request that is checked while its key changes counts in the meter that it found. That one is kept, so the request counts
//! from the next change on.

use keyrack_key::{Rate, Timestamp};

/// The most rates that are kept. One more is merged: the fastest counts, with its share, at the speed of the next.
const MOST: usize = 2;

/// What counts requests under a rate.
pub(crate) trait Count {
    /// Raises what is used under `rate` to the share that `earlier` shows as used under `was` at `now`.
    fn raise(&self, rate: Rate, earlier: &Self, was: Rate, now: Timestamp);

    /// Whether a request at `now` could be denied because of those before.
    fn counts(&self, rate: Rate, now: Timestamp) -> bool;
}

/// Earlier rates of a key and their meters, from the fastest to recover to the slowest.
#[derive(Debug)]
pub(crate) struct Earlier<M>(Vec<(Rate, M)>);

impl<M> Default for Earlier<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M: Count> Earlier<M> {
    /// The meter of `rate`, which takes the place of `current`. `fresh` makes one on which nothing is used.
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
        if self.0.len() > MOST {
            let (was, fastest) = self.0.remove(0);
            let (rate, next) = &self.0[0];
            next.raise(*rate, &fastest, was, now);
        }
        own
    }

    /// Whether some earlier rate still counts.
    pub(crate) fn counts(&self, now: Timestamp) -> bool {
        self.0.iter().any(|(rate, meter)| meter.counts(*rate, now))
    }
}
