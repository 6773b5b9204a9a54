//! Which workspace a name means. Asked on the path of requests, so answered from memory.

use std::collections::HashMap;

use keyrack_key::WorkspaceId;
use keyrack_store::Store;
use parking_lot::RwLock;

use super::OpError;

/// Workspaces by their address. An address never changes its workspace, so what is known stays true.
#[derive(Debug)]
pub struct Workspaces {
    store: Store,
    known: RwLock<HashMap<String, WorkspaceId>>,
}

impl Workspaces {
    /// The workspaces of `store`.
    pub fn new(store: Store) -> Self {
        Self { store, known: RwLock::default() }
    }

    /// The id of the workspace with this address or id, where that needs no store: an id does not, nor an address that was
    /// asked for before.
    pub fn known(&self, named: &str) -> Option<WorkspaceId> {
        named.parse().ok().or_else(|| self.known.read().get(named).copied())
    }

    /// The id of the workspace with this address or id.
    pub async fn id_of(&self, named: &str) -> Result<Option<WorkspaceId>, OpError> {
        if let Some(id) = self.known(named) {
            return Ok(Some(id));
        }
        let Some(workspace) = self.store.workspace_by_slug(named).await? else {
            return Ok(None);
        };
        self.known.write().insert(workspace.slug, workspace.id);
        Ok(Some(workspace.id))
    }
}
