//! `DELETE /nodes/{id}`: unregisters a node.

use axum::extract::State;
use http::StatusCode;

use super::AsNode;
use crate::api::ApiError;
use crate::app::Shared;

/// Unregister a node
///
/// Call this when the node has stopped checking keys. Changes of keys no longer wait for it.
#[utoipa::path(delete, path = "/nodes/{id}", tag = "Nodes", operation_id = "unregisterNode",
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID.")),
    responses(
        (status = 204, description = "The node is unregistered."),
        (status = 404, description = "The node isn't registered.")))]
pub async fn leave(State(app): State<Shared>, AsNode { by, node }: AsNode) -> Result<StatusCode, ApiError> {
    app.nodes.deregister(&by, node).await?;
    Ok(StatusCode::NO_CONTENT)
}
