//! `GET /workspace`: the workspace of whoever asks.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;

use super::WorkspaceBody;
use crate::api::ApiError;
use crate::app::Shared;

/// Read the workspace
///
/// Its name, and what it demands of its keys.
#[utoipa::path(get, path = "/workspace", tag = "Workspace", operation_id = "getWorkspace",
    responses((status = 200, description = "The workspace", body = WorkspaceBody)))]
pub async fn read(State(app): State<Shared>, by: Acting) -> Result<Json<WorkspaceBody>, ApiError> {
    Ok(Json(app.settings.read(&by).await?.into()))
}
