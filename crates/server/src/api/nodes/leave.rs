//! `DELETE /nodes/{id}`: a node leaves.

use axum::extract::State;
use http::StatusCode;

use super::AsNode;
use crate::api::ApiError;
use crate::app::Shared;

/// Leave
///
/// For a node that decides nothing any more: no change waits for it from now on.
#[utoipa::path(delete, path = "/nodes/{id}", tag = "Nodes", operation_id = "unregisterNode",
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID")),
    responses(
        (status = 204, description = "It has left"),
        (status = 404, description = "There is no such node any more")))]
pub async fn leave(State(app): State<Shared>, AsNode { by, node }: AsNode) -> Result<StatusCode, ApiError> {
    app.nodes.leave(&by, node).await?;
    Ok(StatusCode::NO_CONTENT)
}
