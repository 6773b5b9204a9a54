//! The meters of a key's rates, and what becomes of them when its rates change.
//!
//! No change of a key gives back what was used. A rate that takes the place of another takes over how much of the other was
//! used, as a share of the whole. A meter whose rate was removed is kept until all would have come back, so that a rate that
//! is set again before goes on where it was.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use keyrack_key::{Allowance, Denial, KeyId, Rate, Restrictions, Timestamp, WorkspaceId};

use crate::narrowed::Allowances;
use crate::steady::Steady;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::visitors::{self, Visitors};

/// With fewer meters than these of removed rates, none is looked at again.
const FEW: usize = 64;

/// The meters of a key that has some, and the clock that they count by.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    steady: Arc<Steady>,
    key: Option<(Rate, Arc<Meter>)>,
    visitors: Option<(Rate, visitors::Meters)>,
}

/// The due time of a key ([`Rate::take`]). Nothing is locked: whoever was overtaken looks again.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

/// Makes meters, and keeps those of rates that were removed. Only writers touch it.
#[derive(Debug, Default)]
pub(crate) struct Metering {
    steady: Arc<Steady>,
    visitors: Visitors,
    /// Of keys that had a rate until lately.
    removed: HashMap<KeyId, Meters, RandomState>,
    /// When there are so many, those that count no more are forgotten.
    many: usize,
}

impl Metering {
    /// Notes the time, by which changes that follow are judged.
    pub(crate) fn see(&self, now: Timestamp) {
        self.steady.at(now);
    }

    /// The meters of a key under `restrictions`. `before` are those of its earlier state.
    pub(crate) fn follow(
        &mut self,
        key: KeyId,
        workspace: WorkspaceId,
        before: Option<&Meters>,
        restrictions: &Restrictions,
    ) -> Meters {
        let now = self.steady.latest();
        let removed = self.removed.remove(&key);
        let earlier =
            |of: fn(&Meters) -> bool| before.filter(|one| of(one)).or(removed.as_ref().filter(|one| of(one)));
        let of_key = earlier(|meters| meters.key.is_some()).and_then(|meters| meters.key.clone());
        let of_visitors =
            earlier(|meters| meters.visitors.is_some()).and_then(|meters| meters.visitors.clone());
        let own = Meters {
            steady: Arc::clone(&self.steady),
            key: restrictions.rate.map(|rate| match &of_key {
                Some((was, meter)) => {
                    meter.carry(rate, *was, now);
                    (rate, Arc::clone(meter))
                }
                None => (rate, Arc::default()),
            }),
            visitors: restrictions.visitor_rate.map(|rate| match &of_visitors {
                Some((was, meters)) => {
                    meters.carry(rate, *was, now);
                    (rate, meters.clone())
                }
                None => (rate, self.visitors.meters(workspace)),
            }),
        };
        let left = Meters {
            steady: Arc::clone(&self.steady),
            key: of_key.filter(|_| own.key.is_none()),
            visitors: of_visitors.filter(|_| own.visitors.is_none()),
        };
        self.keep(key, left, now);
        own
    }

    /// Forgets the meters of a key that is gone.
    pub(crate) fn forget(&mut self, key: KeyId) {
        self.removed.remove(&key);
    }

    /// Forgets meters of removed rates of which all has come back.
    pub(crate) fn sweep(&mut self) {
        let now = self.steady.latest();
        self.removed.retain(|_, meters| meters.counts(now));
        self.removed.shrink_to(FEW);
        self.many = FEW.max(self.removed.len() * 2);
    }

    /// Keeps meters whose rate was removed for as long as they count. There are as many as keys at the most.
    fn keep(&mut self, key: KeyId, left: Meters, now: Timestamp) {
        if left.counts(now) {
            self.removed.insert(key, left);
            if self.removed.len() > self.many.max(FEW) {
                self.sweep();
            }
        }
    }
}

impl Meters {
    /// Asks about a request at `now` from `address`, and takes it where it `spends`.
    pub(crate) fn ask(
        &self,
        now: Timestamp,
        address: Option<IpAddr>,
        spends: bool,
    ) -> Result<Allowances, Denial> {
        let now = self.steady.at(now);
        let of_visitors = self.visitors.as_ref();
        let visitor =
            of_visitors.map(|(rate, meters)| meters.ask(*rate, address, now, spends)).transpose()?;
        match self.key.as_ref().map(|(rate, meter)| meter.ask(*rate, now, spends)).transpose() {
            Ok(key) => Ok(Allowances { key, visitor }),
            Err(denial) => {
                if let Some((rate, meters)) = of_visitors.filter(|_| spends) {
                    meters.give_back(*rate, address);
                }
                Err(denial)
            }
        }
    }

    /// Whether a request at `now` could be refused because of what was used before.
    fn counts(&self, now: Timestamp) -> bool {
        self.key.as_ref().is_some_and(|(rate, meter)| meter.counts(*rate, now))
            || self.visitors.as_ref().is_some_and(|(rate, meters)| meters.counts(*rate, now))
    }
}

impl Meter {
    fn ask(&self, rate: Rate, now: Timestamp, spends: bool) -> Result<Allowance, Denial> {
        let mut held = self.0.load(Ordering::Relaxed);
        loop {
            let due = rate.settle(held, now);
            let taken = rate.take(due, now);
            let after = if spends { taken.unwrap_or(due) } else { due };
            let told = taken.map(|_| rate.allowance(after, now));
            // What was settled is written down too: else it is settled again with each request, and never comes nearer.
            if after == held {
                return told;
            }
            // Nothing but the number itself has to be seen in order by others.
            match self.0.compare_exchange_weak(held, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return told,
                Err(other) => held = other,
            }
        }
    }

    fn carry(&self, rate: Rate, was: Rate, now: Timestamp) {
        let carry = |due| Some(rate.carry(due, was, now));
        // It never fails: there always is a next value.
        let _ = self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, carry);
    }

    fn counts(&self, rate: Rate, now: Timestamp) -> bool {
        rate.allowance(self.0.load(Ordering::Relaxed), now).full_in > 0
    }
}
