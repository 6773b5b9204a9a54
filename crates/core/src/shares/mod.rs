//! Bounds of the process that all workspaces share, divided so that one tenant at its worst doesn't stop another.
//!
//! - [`Budget`]: units that are held for a while (bytes in memory, streams, seats). Nobody waits for them. Each key and
//!   each workspace may hold a share, and the shares shrink as more tenants hold some.
//! - [`FairQueue`]: turns that are waited for (cores). They go round the workspaces, then round the keys of each, by the
//!   cost of the work and not by the number of requests.
//! - [`Backlog`]: entries that wait to be written down. Who brings too many loses their own.

mod backlog;
mod budget;
mod queue;
mod schedule;

use std::net::IpAddr;

use keyrack_key::{KeyId, WorkspaceId};
use keyrack_store::Actor;

pub use backlog::Backlog;
pub use budget::{Budget, Exhausted, Holder, Share};
pub use queue::{FairQueue, QueueFull, Turn};
pub use schedule::Limits;

/// A tenant, and within it the key or person that a claim is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claimant {
    tenant: Tenant,
    member: Option<Actor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Tenant {
    Workspace(WorkspaceId),
    /// Somebody who isn't signed in yet; `None` is everybody whose address is unknown.
    Network(Option<IpAddr>),
}

impl Claimant {
    /// A key, person, or the operator who works in a workspace.
    pub const fn new(workspace: WorkspaceId, actor: Actor) -> Self {
        Self { tenant: Tenant::Workspace(workspace), member: Some(actor) }
    }

    /// The workspace as a whole, for what isn't any single key's.
    pub const fn workspace(workspace: WorkspaceId) -> Self {
        Self { tenant: Tenant::Workspace(workspace), member: None }
    }

    /// A key of which it is not known here in which workspace it is: all such keys count as one tenant.
    pub const fn key(key: KeyId) -> Self {
        Self { tenant: Tenant::Network(None), member: Some(Actor::Key(key)) }
    }

    /// Somebody at this address who has not proven who they are.
    pub const fn network(address: Option<IpAddr>) -> Self {
        Self { tenant: Tenant::Network(address), member: None }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use keyrack_key::Timestamp;
    use rand_core::UnwrapErr;

    use super::*;

    /// The claimants of so many workspaces, with so many keys each.
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
