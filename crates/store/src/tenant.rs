//! For which workspace a task reads and writes, so that workspaces take turns where they wait for a connection.

use std::cell::Cell;

use keyrack_key::WorkspaceId;

/// A workspace; `None` is the server's own work and that of callers who are not known yet.
pub(crate) type Tenant = Option<WorkspaceId>;

tokio::task_local! {
    static TENANT: Cell<Tenant>;
}

/// Does `work` for a workspace. Where that becomes known only on the way, begin with `None` and call [`set_tenant`] then.
/// Tasks that `work` spawns are not part of it.
pub async fn with_tenant<F: Future>(workspace: Option<WorkspaceId>, work: F) -> F::Output {
    TENANT.scope(Cell::new(workspace), work).await
}

/// From now on the work that this is called within is done for this workspace. Outside of [`with_tenant`], nothing happens.
pub fn set_tenant(workspace: WorkspaceId) {
    let _ = TENANT.try_with(|tenant| tenant.set(Some(workspace)));
}

/// For whom the current task works.
pub(crate) fn tenant() -> Tenant {
    TENANT.try_with(Cell::get).ok().flatten()
}
