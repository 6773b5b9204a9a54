//! `POST /nodes`: a service becomes a node.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use keyrack_core::Acting;
use keyrack_guard::remote::wire::{LEASE, Register, Registered};

use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// Become a node
///
/// A node reads all keys of the workspace (`snapshot`), then asks for changes again and again. It may decide for five
/// seconds after it began to ask, and for `servesFor` more when it is cut off. Each start of a program registers anew.
#[utoipa::path(post, path = "/nodes", tag = "Nodes", operation_id = "registerNode", request_body = Register,
    responses(
        (status = 201, description = "It is a node from now on", body = Registered),
        (status = 422, description = "A field is not as expected; `details` names it"),
        (status = 429, description = "The key or the workspace already has as many nodes as its share allows"),
        (status = 503, description = "There are too many nodes")))]
pub async fn register(
    State(app): State<Shared>,
    by: Acting,
    Body(question): Body<Register>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    let serves_for = Duration::from_secs(question.serves_for);
    let node = app.nodes.register(&by, &question.name, serves_for).await?;
    let registered = Registered {
        id: node.id.to_string(),
        lease_millis: u64::try_from(LEASE.as_millis()).unwrap_or(0),
        brands: app.config.brands.all().map(ToString::to_string).collect(),
        manage_url: app.config.manage_url(),
    };
    Ok((StatusCode::CREATED, Json(registered)))
}
