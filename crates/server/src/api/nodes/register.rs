//! `POST /nodes`: registers a node.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use keyrack_core::AuthorizedCaller;
use keyrack_guard::remote::wire::{LEASE, NodeRegistration, RegisteredNode};

use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// Register a node
///
/// A node first reads a snapshot of all keys, and then polls for changes. It may check keys for five seconds after it started its
/// last poll, and for `offlineGraceSeconds` more if it loses the connection. A service registers again each time it starts.
#[utoipa::path(post, path = "/nodes", tag = "Nodes", operation_id = "registerNode", request_body = NodeRegistration,
    responses(
        (status = 201, description = "The registered node.", body = RegisteredNode),
        (status = 422, description = "A field is invalid. `details` names it."),
        (status = 429, description = "The key or the workspace uses its share of the nodes."),
        (status = 503, description = "The server has too many nodes. Retry after `Retry-After` seconds.")))]
pub async fn register(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Body(question): Body<NodeRegistration>,
) -> Result<(StatusCode, Json<RegisteredNode>), ApiError> {
    let offline_grace = Duration::from_secs(question.offline_grace_seconds);
    let node = app.nodes.register(&by, &question.name, offline_grace).await?;
    let registered = RegisteredNode {
        id: node.id.to_string(),
        lease_millis: u64::try_from(LEASE.as_millis()).unwrap_or(0),
        brands: app.config.brands.all().map(ToString::to_string).collect(),
        manage_url: app.config.manage_url(),
    };
    Ok((StatusCode::CREATED, Json(registered)))
}
