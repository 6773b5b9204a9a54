//! The workspace for which the current task reads and writes. Workspaces take turns when they wait for a connection.

use std::cell::Cell;

use keyrack_key::WorkspaceId;

/// A workspace. `None` stands for the server itself and for callers that aren't authenticated yet.
pub(crate) type Tenant = Option<WorkspaceId>;

tokio::task_local! {
    static TENANT: Cell<Tenant>;
}

/// Runs `work` for a workspace. If the workspace becomes known later, start with `None` and call [`set_tenant`]. Tasks
/// that `work` spawns aren't included.
pub async fn with_tenant<F: Future>(workspace: Option<WorkspaceId>, work: F) -> F::Output {
    TENANT.scope(Cell::new(workspace), work).await
}

/// Sets the workspace of the current work. Does nothing outside of [`with_tenant`].
pub fn set_tenant(workspace: WorkspaceId) {
    let _ = TENANT.try_with(|tenant| tenant.set(Some(workspace)));
}

/// Returns the workspace of the current work, or `None` if it is not known or outside of [`with_tenant`].
pub fn tenant() -> Option<WorkspaceId> {
    TENANT.try_with(Cell::get).ok().flatten()
}
