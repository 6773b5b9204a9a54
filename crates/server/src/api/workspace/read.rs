//! `GET /workspace`: returns the actor's workspace.

use axum::Json;
use axum::extract::State;
use keyrack_core::AuthorizedCaller;

use super::WorkspaceBody;
use crate::api::ApiError;
use crate::app::Shared;

/// Get the workspace
///
/// Returns the workspace of the key or the session, with its policy for keys.
#[utoipa::path(get, path = "/workspace", tag = "Workspace", operation_id = "getWorkspace",
    responses((status = 200, description = "The workspace.", body = WorkspaceBody)))]
pub async fn read(State(app): State<Shared>, by: AuthorizedCaller) -> Result<Json<WorkspaceBody>, ApiError> {
    Ok(Json(app.settings.read(&by).await?.into()))
}
