//! `POST /nodes/{id}/changes`: acknowledges applied changes of keys and returns new changes.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use keyrack_core::OpError;
use keyrack_guard::remote::wire::{NodeChangeFrame, NodeChangesRequest, NodeKey, time_text};

use super::AsNode;
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// Get changes of keys
///
/// Acknowledges the changes that the node has applied, and renews the node's lease from the start of this request. The server
/// responds immediately if there are new changes, otherwise after `waitMillis`. A request that changes a key completes when all
/// nodes have acknowledged the change. A node must read a new snapshot if the changes don't start at its position.
#[utoipa::path(post, path = "/nodes/{id}/changes", tag = "Nodes", operation_id = "getNodeChanges", request_body = NodeChangesRequest,
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID.")),
    responses(
        (status = 200, description = "The changes after the position. Possibly empty.", body = NodeChangeFrame),
        (status = 409, description = "The position belongs to another history. Read a new snapshot."),
        (status = 404, description = "The node isn't registered. Register again."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn changes(
    State(app): State<Shared>,
    AsNode { by, node }: AsNode,
    Body(question): Body<NodeChangesRequest>,
) -> Result<Json<NodeChangeFrame>, ApiError> {
    let applied = (&question.applied).try_into();
    let applied = applied.map_err(|_| ApiError::field("applied.change", "Use 16 bytes in Base64."))?;
    let wait = Duration::from_millis(question.wait_millis);
    let frame = app.nodes.changes(&by, node, applied, wait).await?.ok_or(OpError::OtherHistory)?;
    Ok(Json(NodeChangeFrame {
        from: frame.from.into(),
        to: frame.to.into(),
        changes: frame.changes.iter().map(NodeKey::from).collect(),
        now: time_text(app.now()),
    }))
}
