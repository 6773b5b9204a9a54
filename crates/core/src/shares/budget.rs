//! Budgets: units that claimants hold for a while. A request that exceeds its share fails immediately
//! instead of waiting.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use keyrack_store::Actor;
use parking_lot::Mutex;

use super::{Claimant, Tenant};

/// A workspace gets a new share only while the units that it would then hold are at most this many times the units
/// that are still free. A single workspace gets three quarters; each further workspace gets a part of the rest,
/// even if all others hold their maximum. An existing share may grow up to the limit of a single workspace, so that
/// running work does not fail because other workspaces arrived. The first share of a workspace that holds no units
/// may be as large, if enough units are free. (Choudhury and Hahne, *Dynamic queue length thresholds for
/// shared-memory packet switches*, 1998.)
const TENANT_TO_FREE: usize = 3;
/// The same factor for each key of a workspace: a single key gets one half, and the other keys of its
/// workspace get a quarter.
const MEMBER_TO_FREE: usize = 1;

/// Units that all workspaces share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    resource: &'static str,
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    capacity: usize,
    /// The last units, reserved for tenants that hold no units.
    reserved: usize,
    in_use: usize,
    by_tenant: HashMap<Tenant, usize>,
    by_claimant: HashMap<Claimant, usize>,
}

/// Units that a claimant holds. Dropping the share frees the units.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    claimant: Claimant,
    units: usize,
}

/// Why the budget denied the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Exhausted {
    /// What the units measure, such as `image memory`.
    pub resource: &'static str,
    /// Whose share is used up.
    pub holder: Holder,
}

/// The holder whose share is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Key,
    Person,
    Workspace,
    Network,
    /// All claimants together hold every unit.
    AllClaimants,
}

impl Budget {
    /// A budget of `capacity` units. `resource` completes the sentence "This workspace already uses its share of
    /// the server's …".
    pub fn new(resource: &'static str, capacity: usize) -> Self {
        Self::with_minimum(resource, capacity, 0)
    }

    /// Like [`new`](Self::new), but only tenants that hold no units can take the last `reserved` units: `reserved` tenants
    /// get one unit each, even if all other units are held. Shares alone guarantee no minimum once many tenants
    /// hold their maximum.
    pub fn with_minimum(resource: &'static str, capacity: usize, reserved: usize) -> Self {
        let ledger = Ledger { capacity, reserved: reserved.min(capacity), ..Ledger::default() };
        Self(Arc::new(Inner { resource, ledger: Mutex::new(ledger) }))
    }

    /// Takes `units` for a claimant immediately, or fails without taking any.
    pub fn take(&self, claimant: Claimant, units: usize) -> Result<Share, Exhausted> {
        let mut share = Share { budget: self.clone(), claimant, units: 0 };
        share.add(units, Ledger::admits_new)?;
        Ok(share)
    }

    /// Records units that a claimant already held before a restart, without checking the limits.
    pub fn record(&self, claimant: Claimant, units: usize) -> Share {
        self.0.ledger.lock().add(claimant, units);
        Share { budget: self.clone(), claimant, units }
    }

    /// The number of units in use.
    pub fn in_use(&self) -> usize {
        self.0.ledger.lock().in_use
    }
}

impl Share {
    /// Takes `units` more, or fails without taking any.
    pub fn grow(&mut self, units: usize) -> Result<(), Exhausted> {
        self.add(units, Ledger::admits_growth)
    }

    fn add(&mut self, units: usize, admits: AdmissionCheck) -> Result<(), Exhausted> {
        let Inner { resource, ledger } = &*self.budget.0;
        let mut ledger = ledger.lock();
        let admitted = admits(&ledger, self.claimant, units);
        admitted.map_err(|holder| Exhausted { resource, holder })?;
        ledger.add(self.claimant, units);
        self.units += units;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.ledger.lock().remove(self.claimant, self.units);
    }
}

/// Checks whether a claimant may take the units. The error is the holder whose share is used up.
type AdmissionCheck = fn(&Ledger, Claimant, usize) -> Result<(), Holder>;

/// The number of units that a single claimant gets.
const fn alone(capacity: usize, to_free: usize) -> usize {
    capacity - capacity / (to_free + 1)
}

impl Ledger {
    fn admits_new(&self, claimant: Claimant, units: usize) -> Result<(), Holder> {
        let holds_some = self.by_tenant.contains_key(&claimant.tenant);
        let left = if holds_some { self.left(self.open(), units)? } else { self.left(self.capacity, units)? };
        // A claimant that holds no units yet gets as much as running work: one claim may be larger than the
        // remaining free units.
        let most = |held: Option<&usize>, to_free: usize| {
            held.map_or_else(|| alone(self.open(), to_free), |_| left.saturating_mul(to_free))
        };
        let of_member = most(self.by_claimant.get(&claimant), MEMBER_TO_FREE);
        let of_tenant = most(self.by_tenant.get(&claimant.tenant), TENANT_TO_FREE);
        self.admits(claimant, units, of_member, of_tenant)
    }

    fn admits_growth(&self, claimant: Claimant, units: usize) -> Result<(), Holder> {
        self.left(self.open(), units)?;
        let (of_member, of_tenant) = (alone(self.open(), MEMBER_TO_FREE), alone(self.open(), TENANT_TO_FREE));
        self.admits(claimant, units, of_member, of_tenant)
    }

    /// The units that tenants can get in addition to those that they hold.
    const fn open(&self) -> usize {
        self.capacity - self.reserved
    }

    fn left(&self, capacity: usize, units: usize) -> Result<usize, Holder> {
        let left = capacity.checked_sub(self.in_use).and_then(|free| free.checked_sub(units));
        left.ok_or(Holder::AllClaimants)
    }

    fn admits(
        &self,
        claimant: Claimant,
        units: usize,
        of_member: usize,
        of_tenant: usize,
    ) -> Result<(), Holder> {
        let member = self.by_claimant.get(&claimant).map_or(units, |held| held + units);
        let tenant = self.by_tenant.get(&claimant.tenant).map_or(units, |held| held + units);
        // Every claimant may take its first unit while a unit is free.
        if member > of_member.max(1) {
            Err(claimant.holder())
        } else if tenant > of_tenant.max(1) {
            Err(claimant.tenant.holder())
        } else {
            Ok(())
        }
    }

    fn add(&mut self, claimant: Claimant, units: usize) {
        self.in_use += units;
        *self.by_tenant.entry(claimant.tenant).or_default() += units;
        *self.by_claimant.entry(claimant).or_default() += units;
    }

    /// Removes holders without units, so that the ledger only lists current holders.
    fn remove(&mut self, claimant: Claimant, units: usize) {
        self.in_use -= units;
        if let Some(held) = self.by_tenant.get_mut(&claimant.tenant) {
            *held -= units;
            if *held == 0 {
                self.by_tenant.remove(&claimant.tenant);
            }
        }
        if let Some(held) = self.by_claimant.get_mut(&claimant) {
            *held -= units;
            if *held == 0 {
                self.by_claimant.remove(&claimant);
            }
        }
    }
}

impl Claimant {
    const fn holder(self) -> Holder {
        match self.member {
            Some(Actor::Key(_)) => Holder::Key,
            Some(Actor::User(_) | Actor::Operator) => Holder::Person,
            None => self.tenant.holder(),
        }
    }
}

impl Tenant {
    const fn holder(self) -> Holder {
        match self {
            Self::Workspace(_) => Holder::Workspace,
            Self::Network(_) => Holder::Network,
        }
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, holder } = self;
        let uses = match holder {
            Holder::Key => "This API key already uses its share",
            Holder::Person => "You already use your share",
            Holder::Workspace => "This workspace already uses its share",
            Holder::Network => "Your network already uses its share",
            Holder::AllClaimants => {
                return write!(f, "The server's {resource} is in use. Try again in a moment.");
            }
        };
        write!(
            f,
            "{uses} of the server's {resource}. Wait until earlier requests have ended, or send fewer \
             requests at the same time."
        )
    }
}

#[cfg(test)]
mod tests;
