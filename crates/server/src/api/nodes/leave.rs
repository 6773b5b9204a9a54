//! `DELETE /nodes/{id}`: a node leaves.

use axum::extract::{Path, State};
use http::StatusCode;

use super::node_id;
use crate::api::ApiError;
use crate::app::Shared;
use crate::ops::Acting;

/// Leave
///
/// For a node that decides nothing any more: no change waits for it from now on.
#[utoipa::path(delete, path = "/nodes/{id}", tag = "Nodes", operation_id = "leaveAsNode",
    params(("id" = String, Path, description = "The node's id")),
    responses(
        (status = 204, description = "It has left"),
        (status = 404, description = "There is no such node any more")))]
pub async fn leave(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.nodes.leave(&by, node_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
