//! `POST /nodes/{id}/changes`: a node says how far it is, and hears what came after that.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use keyrack_core::OpError;
use keyrack_guard::remote::wire::{Applied, Changes, Key, time_text};

use super::AsNode;
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// Ask for changes
///
/// Acknowledges what was applied and renews the node's lease from when this request began. Answered at once when there
/// is something, else after `waitMillis`. Whoever changes a key is answered when every node has asked with that change
/// applied. A frame that does not begin where the node stands is not applied: read everything anew.
#[utoipa::path(post, path = "/nodes/{id}/changes", tag = "Nodes", operation_id = "getNodeChanges", request_body = Applied,
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID")),
    responses(
        (status = 200, description = "What changed after that, possibly nothing", body = Changes),
        (status = 409, description = "The position is none of this history: read everything anew"),
        (status = 404, description = "There is no such node any more: register anew"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn changes(
    State(app): State<Shared>,
    AsNode { by, node }: AsNode,
    Body(question): Body<Applied>,
) -> Result<Json<Changes>, ApiError> {
    let applied = (&question.applied).try_into();
    let applied = applied.map_err(|_| ApiError::field("applied.change", "expected 16 bytes in Base64"))?;
    let wait = Duration::from_millis(question.wait_millis);
    let frame = app.nodes.changes(&by, node, applied, wait).await?.ok_or(OpError::OtherHistory)?;
    Ok(Json(Changes {
        from: frame.from.into(),
        to: frame.to.into(),
        changes: frame.changes.iter().map(Key::from).collect(),
        now: time_text(app.now()),
    }))
}
