//! What narrows a key, the meters of its rates, and its pause.

use std::net::IpAddr;
use std::ops::Deref;

use keyrack_key::{Allowance, Denial, Pause, Restrictions, Spend, Timestamp};

use crate::meters::Meters;

/// The restrictions of a key that has some, or was paused. All secrets of the key share them, and its meters.
#[derive(Debug)]
pub struct Narrowed {
    restrictions: Restrictions,
    /// Here and not in the line, which is full: few keys are paused, and those may take a look more.
    pause: Option<Pause>,
    meters: Meters,
}

/// What the rates of a key leave, of those that it has and that were asked about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowances {
    pub(crate) key: Option<Allowance>,
    /// To this visitor.
    pub(crate) visitor: Option<Allowance>,
}

impl Narrowed {
    /// The restrictions that a key has from now on, with the meters of its rates.
    pub(crate) const fn new(restrictions: Restrictions, pause: Option<Pause>, meters: Meters) -> Self {
        Self { restrictions, pause, meters }
    }

    /// That the key was paused, and until when.
    pub(crate) const fn pause(&self) -> Option<Pause> {
        self.pause
    }

    pub(crate) const fn meters(&self) -> &Meters {
        &self.meters
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
        self.meters.ask(now, address, spend == Spend::One)
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
