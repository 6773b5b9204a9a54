//! Resolves names of workspaces to ids. Requests need this, so a cache in memory answers.

use std::collections::HashMap;

use keyrack_key::WorkspaceId;
use keyrack_store::Store;
use parking_lot::RwLock;

use super::OpError;

/// The workspaces by slug. A slug never moves to another workspace, so cached entries stay valid.
#[derive(Debug)]
pub struct Workspaces {
    store: Store,
    known: RwLock<HashMap<String, WorkspaceId>>,
}

impl Workspaces {
    /// Resolves the workspaces in `store`.
    pub fn new(store: Store) -> Self {
        Self { store, known: RwLock::default() }
    }

    /// Returns the id for a slug or an id, without a query. Returns `None` for a slug that is not cached.
    pub fn known(&self, named: &str) -> Option<WorkspaceId> {
        named.parse().ok().or_else(|| self.known.read().get(named).copied())
    }

    /// Returns the id for a slug or an id. Returns `None` if no workspace has the slug.
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
