//! The meters of a key's rate limits, and what happens to them when the rate limits change.
//!
//! No change of a key makes used requests available again: `earlier.rs` defines this exactly.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use keyrack_key::{Denial, KeyId, Rate, RateStatus, Restrictions, Timestamp, WorkspaceId};

use crate::earlier::{EarlierMeters, UsageMeter};
use crate::steady_clock::SteadyClock;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::visitors::{VisitorMeters, Visitors};

/// The smallest number of keys with earlier rates at which recovered ones are removed.
const SWEEP_MIN: usize = 64;

/// The meters of a key, and the clock that they use.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    clock: Arc<SteadyClock>,
    key: Option<(Rate, Arc<Meter>)>,
    visitors: Option<(Rate, VisitorMeters)>,
}

/// What the rate limits of a key leave after a check. `None` for a limit that the key does not have
/// or the check did not use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateStatuses {
    pub(crate) key: Option<RateStatus>,
    /// Of the visitor that sent the request.
    pub(crate) visitor: Option<RateStatus>,
}

/// The due time of a key ([`Rate::take`]). Lock-free: a thread that is overtaken tries again.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

/// Creates meters, and keeps those of earlier rates. Only writers use this.
#[derive(Debug, Default)]
pub(crate) struct MeterRegistry {
    clock: Arc<SteadyClock>,
    visitors: Visitors,
    /// The earlier rates of keys whose rates were changed or removed recently.
    earlier: HashMap<KeyId, EarlierRates, RandomState>,
    /// The number of keys in `earlier` at which recovered ones are removed.
    sweep_at: usize,
}

/// The earlier rates of a key, and of its visitors.
#[derive(Debug, Default)]
struct EarlierRates {
    key: EarlierMeters<Arc<Meter>>,
    visitors: EarlierMeters<VisitorMeters>,
}

impl MeterRegistry {
    /// Sets the latest known time, which later changes use.
    pub(crate) fn see(&self, now: Timestamp) {
        self.clock.at(now);
    }

    /// Returns the meters for a key with `restrictions`. `before` are the meters of its earlier state.
    pub(crate) fn follow(
        &mut self,
        key: KeyId,
        workspace: WorkspaceId,
        before: Option<&Meters>,
        restrictions: &Restrictions,
    ) -> Meters {
        let now = self.clock.latest();
        let mut earlier = self.earlier.remove(&key).unwrap_or_default();
        let of_key = before.and_then(|before| before.key.clone());
        let of_visitors = before.and_then(|before| before.visitors.clone());
        let fresh = || self.visitors.meters(workspace);
        let own = Meters {
            clock: Arc::clone(&self.clock),
            key: earlier.key.replace(of_key, restrictions.rate, now, Arc::default),
            visitors: earlier.visitors.replace(of_visitors, restrictions.visitor_rate, now, fresh),
        };
        self.keep(key, earlier, now);
        own
    }

    /// Removes the earlier rates of a deleted key.
    pub(crate) fn forget(&mut self, key: KeyId) {
        self.earlier.remove(&key);
    }

    /// Removes the earlier rates that have recovered.
    pub(crate) fn sweep(&mut self) {
        let now = self.clock.latest();
        self.earlier.retain(|_, earlier| earlier.counts(now));
        self.earlier.shrink_to(SWEEP_MIN);
        self.sweep_at = SWEEP_MIN.max(self.earlier.len() * 2);
    }

    /// Keeps earlier rates until they have recovered. There is at most one entry for each key.
    fn keep(&mut self, key: KeyId, earlier: EarlierRates, now: Timestamp) {
        if earlier.counts(now) {
            self.earlier.insert(key, earlier);
            if self.earlier.len() > self.sweep_at.max(SWEEP_MIN) {
                self.sweep();
            }
        }
    }
}

impl EarlierRates {
    fn counts(&self, now: Timestamp) -> bool {
        self.key.counts(now) || self.visitors.counts(now)
    }
}

impl Meters {
    /// Checks a request at `now` from `address`, and takes it if `spends` is `true`.
    pub(crate) fn ask(
        &self,
        now: Timestamp,
        address: Option<IpAddr>,
        spends: bool,
    ) -> Result<RateStatuses, Denial> {
        let now = self.clock.at(now);
        let of_visitors = self.visitors.as_ref();
        let visitor =
            of_visitors.map(|(rate, meters)| meters.ask(*rate, address, now, spends)).transpose()?;
        match self.key.as_ref().map(|(rate, meter)| meter.ask(*rate, now, spends)).transpose() {
            Ok(key) => Ok(RateStatuses { key, visitor }),
            Err(denial) => {
                if let Some((rate, meters)) = of_visitors.filter(|_| spends) {
                    meters.give_back(*rate, address);
                }
                Err(denial)
            }
        }
    }
}

impl Meter {
    fn ask(&self, rate: Rate, now: Timestamp, spends: bool) -> Result<RateStatus, Denial> {
        let mut stored = self.0.load(Ordering::Relaxed);
        loop {
            let due = rate.settle(stored, now);
            let taken = rate.take(due, now);
            let after = if spends { taken.unwrap_or(due) } else { due };
            let result = taken.map(|_| rate.status(after, now));
            // A corrected due time is stored too. Otherwise each request would correct it again, and
            // it would never come closer.
            if after == stored {
                return result;
            }
            // Relaxed: no other memory depends on this number.
            match self.0.compare_exchange_weak(stored, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return result,
                Err(other) => stored = other,
            }
        }
    }
}

impl UsageMeter for Arc<Meter> {
    fn raise(&self, rate: Rate, earlier: &Self, was: Rate, now: Timestamp) {
        let due = earlier.0.load(Ordering::Relaxed);
        self.0.fetch_max(rate.carry(due, was, now), Ordering::Relaxed);
    }

    fn counts(&self, rate: Rate, now: Timestamp) -> bool {
        rate.status(self.0.load(Ordering::Relaxed), now).full_in_seconds > 0
    }
}
