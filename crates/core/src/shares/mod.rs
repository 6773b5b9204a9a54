//! Limits on the resources that all workspaces share, divided so that one tenant cannot block another tenant.
//!
//! - [`Budget`]: units that are held for a while (bytes in memory, streams, slots). Requests do not wait for units.
//!   Each key and each workspace may hold a share, and the shares shrink as more tenants hold units.
//! - [`FairQueue`]: turns that requests wait for (cores). Turns alternate between workspaces, then between the keys of
//!   each workspace, by the cost of the work instead of the number of requests.
//! - [`Backlog`]: entries that wait to be written. A claimant that adds too many entries loses its own entries.

mod backlog;
mod budget;
mod queue;
mod schedule;

use std::net::IpAddr;

use keyrack_key::{KeyId, WorkspaceId};
use keyrack_store::Actor;

pub use backlog::Backlog;
pub use budget::{Budget, Exhausted, Holder, Share};
pub use queue::{FairQueue, QueueFull, QueuePermit};
pub use schedule::Limits;

/// A tenant, and the key or person within the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claimant {
    tenant: Tenant,
    member: Option<Actor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Tenant {
    Workspace(WorkspaceId),
    /// A caller that is not signed in; `None` combines all callers with unknown addresses.
    Network(Option<IpAddr>),
}

impl Claimant {
    /// A key, a person or the operator in a workspace.
    pub const fn new(workspace: WorkspaceId, actor: Actor) -> Self {
        Self { tenant: Tenant::Workspace(workspace), member: Some(actor) }
    }

    /// The whole workspace, for work that belongs to no single key.
    pub const fn workspace(workspace: WorkspaceId) -> Self {
        Self { tenant: Tenant::Workspace(workspace), member: None }
    }

    /// A key whose workspace is unknown. All such keys count as one tenant.
    pub const fn key(key: KeyId) -> Self {
        Self { tenant: Tenant::Network(None), member: Some(Actor::Key(key)) }
    }

    /// An unauthenticated caller at this address.
    pub const fn network(address: Option<IpAddr>) -> Self {
        Self { tenant: Tenant::Network(address), member: None }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use keyrack_key::Timestamp;
    use rand_core::UnwrapErr;

    use super::*;

    /// Claimants for the given numbers of workspaces and keys per workspace.
    pub(crate) fn claimants(workspaces: usize, keys: usize) -> Vec<Vec<Claimant>> {
        let (now, mut rng) = (Timestamp::from_micros(1), UnwrapErr(getrandom::SysRng));
        (0..workspaces)
            .map(|_| {
                let workspace = WorkspaceId::new(now, &mut rng);
                let mut key = || Claimant::new(workspace, Actor::Key(KeyId::new(now, &mut rng)));
                (0..keys).map(|_| key()).collect()
            })
            .collect()
    }
}
