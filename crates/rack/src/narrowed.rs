//! What narrows a key, the meters of its rates, and its pause.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use keyrack_key::{Allowance, Denial, Pause, Rate, Restrictions, Spend, Timestamp};

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::visitors::{Meters, Visitors};

/// The restrictions of a key that has some, or was paused. All secrets of the key share them, and its meters.
#[derive(Debug)]
pub struct Narrowed {
    restrictions: Restrictions,
    /// Here and not in the line, which is full: few keys are paused, and those may take a look more.
    pause: Option<Pause>,
    /// There where there is a rate. It outlives the restrictions, see [`Narrowed::following`].
    meter: Option<Arc<Meter>>,
    /// There where there is a rate per visitor, and kept in the same way.
    visitors: Option<Meters>,
}

/// What the rates of a key leave, of those that it has and that were asked about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowances {
    pub(crate) key: Option<Allowance>,
    /// To this visitor.
    pub(crate) visitor: Option<Allowance>,
}

/// The due time of a key ([`Rate::take`]). Nothing is locked: whoever was overtaken looks again.
#[derive(Debug, Default)]
struct Meter(AtomicU64);

impl Narrowed {
    /// The restrictions that a key has from now on, after those that it had `before`. A key that keeps a rate keeps its meter
    /// whatever else changes, another rate included: no change gives back what was used, and what was still to be waited for
    /// is waited for, though never for longer than the new rate asks of a key that has used it up. A key that had no rate
    /// begins with a whole burst.
    pub(crate) fn following(
        before: Option<&Self>,
        restrictions: Restrictions,
        pause: Option<Pause>,
        visitors: &Visitors,
    ) -> Self {
        let kept = || before.and_then(|before| before.meter.clone()).unwrap_or_default();
        let meter = restrictions.rate.is_some().then(kept);
        let kept = || before.and_then(|before| before.visitors.clone()).unwrap_or_else(|| visitors.meters());
        let visitors = restrictions.visitor_rate.is_some().then(kept);
        Self { restrictions, pause, meter, visitors }
    }

    /// That the key was paused, and until when.
    pub(crate) const fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// Asks the meters about a request at `now` from `address`. The visitor's comes first: whoever is refused as a visitor
    /// takes nothing from the key; and whoever is refused because of the key's rate keeps what they have as a visitor.
    pub(crate) fn meter(
        &self,
        now: Timestamp,
        address: Option<IpAddr>,
        spend: Spend,
    ) -> Result<Allowances, Denial> {
        if spend == Spend::Before {
            return Ok(Allowances::default());
        }
        let spends = spend == Spend::One;
        let of_visitors = self.restrictions.visitor_rate.zip(self.visitors.as_ref());
        let visitor = of_visitors.map(|(rate, meters)| meters.ask(rate, address, now, spends)).transpose()?;
        let of_key = self.restrictions.rate.zip(self.meter.as_ref());
        match of_key.map(|(rate, meter)| meter.ask(rate, now, spends)).transpose() {
            Ok(key) => Ok(Allowances { key, visitor }),
            Err(denial) => {
                if let Some((rate, meters)) = of_visitors.filter(|_| spends) {
                    meters.give_back(rate, address);
                }
                Err(denial)
            }
        }
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
            if !spends || after == held {
                return told;
            }
            // Nothing but the number itself has to be seen in order by others.
            match self.0.compare_exchange_weak(held, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return told,
                Err(other) => held = other,
            }
        }
    }
}

impl Deref for Narrowed {
    type Target = Restrictions;

    fn deref(&self) -> &Restrictions {
        &self.restrictions
    }
}

impl PartialEq for Narrowed {
    fn eq(&self, other: &Self) -> bool {
        self.restrictions == other.restrictions && self.pause == other.pause
    }
}

impl Eq for Narrowed {}
