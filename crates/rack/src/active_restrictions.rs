//! The restrictions and the pause of a key, with the meters of its rate limits.

use std::net::IpAddr;
use std::ops::Deref;

use keyrack_key::{Denial, Pause, RateUse, Restrictions, Timestamp};

use crate::meters::{Meters, RateStatuses};

/// The restrictions of a key that has some, or that was paused. All secrets of a key share the
/// restrictions and the meters.
#[derive(Debug)]
pub struct ActiveRestrictions {
    restrictions: Restrictions,
    /// Not part of the hot fields, which fill their cache line. Few keys are paused, and checks of
    /// those may read more memory.
    pause: Option<Pause>,
    meters: Meters,
}

impl ActiveRestrictions {
    /// Creates the restrictions of a key. `meters` may continue from an earlier state of the key.
    pub(crate) const fn new(restrictions: Restrictions, pause: Option<Pause>, meters: Meters) -> Self {
        Self { restrictions, pause, meters }
    }

    /// Returns the pause, if the key was paused.
    pub(crate) const fn pause(&self) -> Option<Pause> {
        self.pause
    }

    pub(crate) const fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Takes a request at `now` from `address` from the meters, as `spend` requires. The visitor's meter
    /// comes first. A visitor that is denied takes nothing from the key, and a request that the key's rate
    /// limit denies takes nothing from the visitor.
    pub(crate) fn meter(
        &self,
        now: Timestamp,
        address: Option<IpAddr>,
        spend: RateUse,
    ) -> Result<RateStatuses, Denial> {
        if spend == RateUse::Skip {
            return Ok(RateStatuses::default());
        }
        self.meters.ask(now, address, spend == RateUse::Take)
    }
}

impl Deref for ActiveRestrictions {
    type Target = Restrictions;

    fn deref(&self) -> &Restrictions {
        &self.restrictions
    }
}

impl PartialEq for ActiveRestrictions {
    fn eq(&self, other: &Self) -> bool {
        self.restrictions == other.restrictions && self.pause == other.pause
    }
}

impl Eq for ActiveRestrictions {}
