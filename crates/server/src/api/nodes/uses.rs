//! `POST /nodes/{id}/uses`: what keys were used for on a node.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use keyrack_guard::remote::wire::{USES, Uses};
use keyrack_rack::Used;

use super::AsNode;
use crate::api::ApiError;
use crate::api::body::LongBody;
use crate::app::Shared;

/// Tell what keys were used for
///
/// Counted with the uses on this server. Keys of other workspaces are passed over.
#[utoipa::path(post, path = "/nodes/{id}/uses", tag = "Nodes", operation_id = "reportNodeUsage", request_body = Uses,
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID")),
    responses(
        (status = 204, description = "Written down, now or before"),
        (status = 404, description = "There is no such node any more: register anew"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn tell(
    State(app): State<Shared>,
    AsNode { by, node }: AsNode,
    LongBody(told, _held): LongBody<Uses>,
) -> Result<StatusCode, ApiError> {
    // Databases and clients of many languages count in signed 64 bits.
    if told.batch == 0 || i64::try_from(told.batch).is_err() {
        return Err(ApiError::field("batch", format!("expected a number from 1 to {}", i64::MAX)));
    }
    if told.keys.len() > USES {
        return Err(ApiError::field("keys", format!("expected at most {USES}")));
    }
    let used = told.keys.iter().map(Used::try_from).collect::<Result<Vec<_>, _>>();
    let mut used =
        used.map_err(|wrong| ApiError::field("keys", format!("holds {} that is none", wrong.0)))?;
    if told.callers.len() > USES {
        return Err(ApiError::field("callers", format!("expected at most {USES}")));
    }
    let calls = told.callers.iter().map(|called| called.calls(by.workspace)).collect::<Result<Vec<_>, _>>();
    let mut calls =
        calls.map_err(|wrong| ApiError::field("callers", format!("holds {} that is none", wrong.0)))?;
    // The node's clock may be ahead, or its reports may be invented.
    let now = app.now();
    used.iter_mut().for_each(|one| one.clamp(now));
    calls.iter_mut().for_each(|one| one.clamp(now));
    let used = Arc::new(used);
    app.nodes.note_uses(&by, node, told.batch, Arc::clone(&used), calls).await?;
    app.first_calls.learn(&used, Some(by.workspace));
    Ok(StatusCode::NO_CONTENT)
}
