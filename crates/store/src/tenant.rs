//! The workspace, and the key or person in it, for which the current task reads and writes. Workspaces take turns when
//! they wait for a connection.

use std::cell::Cell;

use keyrack_key::WorkspaceId;

use crate::Actor;

/// A workspace. `None` stands for the server itself and for callers that aren't authenticated yet.
pub(crate) type Tenant = Option<WorkspaceId>;

tokio::task_local! {
    static TENANT: Cell<(Tenant, Option<Actor>)>;
}

/// Runs `work` for a workspace. If the workspace becomes known later, start with `None` and call [`set_tenant`]. Tasks
/// that `work` spawns aren't included.
pub async fn with_tenant<F: Future>(workspace: Option<WorkspaceId>, work: F) -> F::Output {
    TENANT.scope(Cell::new((workspace, None)), work).await
}

/// Sets the workspace of the current work and who in it does the work. Does nothing outside of [`with_tenant`].
pub fn set_tenant(workspace: WorkspaceId, actor: Actor) {
    let _ = TENANT.try_with(|tenant| tenant.set((Some(workspace), Some(actor))));
}

/// Returns the workspace of the current work, or `None` if it is not known or outside of [`with_tenant`].
pub fn tenant() -> Option<WorkspaceId> {
    TENANT.try_with(Cell::get).ok().and_then(|(workspace, _)| workspace)
}

/// Returns the workspace and the actor that [`set_tenant`] has set for the current work.
pub fn tenant_and_actor() -> Option<(WorkspaceId, Actor)> {
    let (workspace, actor) = TENANT.try_with(Cell::get).ok()?;
    workspace.zip(actor)
}

#[cfg(test)]
mod tests {
    use keyrack_key::Timestamp;
    use rand_core::UnwrapErr;

    use super::*;

    #[tokio::test]
    async fn workspace_and_actor_are_set_for_the_current_work_only() {
        let workspace = WorkspaceId::new(Timestamp::from_micros(1), &mut UnwrapErr(getrandom::SysRng));
        set_tenant(workspace, Actor::Operator);
        assert_eq!((tenant(), tenant_and_actor()), (None, None), "outside of with_tenant");
        with_tenant(Some(workspace), async {
            assert_eq!((tenant(), tenant_and_actor()), (Some(workspace), None), "no actor is set");
        })
        .await;
        with_tenant(None, async {
            set_tenant(workspace, Actor::Operator);
            assert_eq!((tenant(), tenant_and_actor()), (Some(workspace), Some((workspace, Actor::Operator))));
            with_tenant(None, async { assert_eq!(tenant(), None) }).await;
        })
        .await;
    }
}
