//! `POST /nodes/{id}/usage`: receives the usage of keys on a node.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use keyrack_guard::remote::wire::{NodeUsageReport, REPORT_ENTRIES_MAX};
use keyrack_rack::SecretUsage;

use super::AsNode;
use crate::api::ApiError;
use crate::api::body::LongBody;
use crate::app::Shared;

/// Report the usage of keys
///
/// Adds the usage of keys on the node to the usage on this server. Keys of other workspaces are ignored. A repeated
/// report has no effect.
#[utoipa::path(post, path = "/nodes/{id}/usage", tag = "Nodes", operation_id = "reportNodeUsage", request_body = NodeUsageReport,
    params(("id" = crate::api::schema::NodeId, Path, description = "The node's ID.")),
    responses(
        (status = 204, description = "The usage is recorded."),
        (status = 404, description = "The node isn't registered. Register again."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn report(
    State(app): State<Shared>,
    AsNode { by, node }: AsNode,
    LongBody(usage, _held): LongBody<NodeUsageReport>,
) -> Result<StatusCode, ApiError> {
    // SQLite and many client languages only have signed 64-bit integers.
    if usage.batch == 0 || i64::try_from(usage.batch).is_err() {
        return Err(ApiError::field("batch", format!("Use a number from 1 to {}.", i64::MAX)));
    }
    if usage.keys.len() > REPORT_ENTRIES_MAX {
        return Err(ApiError::field("keys", format!("Use {REPORT_ENTRIES_MAX} items or fewer.")));
    }
    let used = usage.keys.iter().map(SecretUsage::try_from).collect::<Result<Vec<_>, _>>();
    let mut used = used.map_err(|wrong| ApiError::field("keys", format!("A value isn't {}.", wrong.0)))?;
    if usage.callers.len() > REPORT_ENTRIES_MAX {
        return Err(ApiError::field("callers", format!("Use {REPORT_ENTRIES_MAX} items or fewer.")));
    }
    let calls = usage.callers.iter().map(|called| called.calls(by.workspace)).collect::<Result<Vec<_>, _>>();
    let mut calls =
        calls.map_err(|wrong| ApiError::field("callers", format!("A value isn't {}.", wrong.0)))?;
    // The node's clock may be ahead, or the node may report invented times.
    let now = app.now();
    used.iter_mut().for_each(|one| one.clamp(now));
    calls.iter_mut().for_each(|one| one.clamp(now));
    let used = Arc::new(used);
    app.nodes.store_usage(&by, node, usage.batch, Arc::clone(&used), calls).await?;
    app.first_calls.record_usage(&used, Some(by.workspace));
    Ok(StatusCode::NO_CONTENT)
}
