//! What narrows a key, the meter of its rate, and its pause.

use std::ops::Deref;
use std::sync::Arc;

use keyrack_key::{Allowance, Denial, Pause, Rate, Restrictions, Spend, Timestamp};

use crate::sync::atomic::{AtomicU64, Ordering};

/// The restrictions of a key that has some, or was paused. All secrets of the key share them, and one meter.
#[derive(Debug)]
pub struct Narrowed {
    restrictions: Restrictions,
    /// Here and not in the line, which is full: few keys are paused, and those may take a look more.
    pause: Option<Pause>,
    /// There where there is a rate. It outlives the restrictions, see [`Narrowed::following`].
    meter: Option<Arc<Meter>>,
}

/// The due time of a key ([`Rate::take`]). Nothing is locked: whoever was overtaken looks again.
#[derive(Debug, Default)]
struct Meter(AtomicU64);

impl Narrowed {
    /// The restrictions that a key has from now on, after those that it had `before`. A key that keeps a rate keeps its meter
    /// whatever else changes, another rate included: no change gives back what was used, and what was still to be waited for
    /// is waited for, though never for longer than the new rate asks of a key that has used it up. A key that had no rate
    /// begins with a whole burst.
    pub(crate) fn following(before: Option<&Self>, restrictions: Restrictions, pause: Option<Pause>) -> Self {
        let kept = || before.and_then(|before| before.meter.clone()).unwrap_or_default();
        let meter = restrictions.rate.is_some().then(kept);
        Self { restrictions, pause, meter }
    }

    /// That the key was paused, and until when.
    pub(crate) const fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// Asks the meter about a request at `now`; nothing where there is no rate to be asked about.
    pub(crate) fn meter(&self, now: Timestamp, spend: Spend) -> Result<Option<Allowance>, Denial> {
        match (self.restrictions.rate, &self.meter) {
            (Some(rate), Some(meter)) if spend != Spend::Before => {
                meter.ask(rate, now, spend == Spend::One).map(Some)
            }
            _ => Ok(None),
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
