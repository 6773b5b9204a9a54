//! Responses that several endpoints share.

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use keyrack_core::OpError;
use keyrack_core::predict::MemoryPermit;
use keyrack_guard::Problem;
use serde::Serialize;

use crate::http::error::ApiError;
use crate::http::response_budget::{HasShare, held_bytes};

/// Returns `value` as a JSON response. `permit` is released when the client has received the bytes or has disconnected, which may
/// be long after the handler returned.
pub fn held_json(value: &impl Serialize, permit: MemoryPermit) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(value).map_err(OpError::internal)?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((Extension(HasShare), kind, held_bytes(bytes, permit)).into_response())
}

/// Handles requests to unknown API paths.
pub async fn no_such_path() -> ApiError {
    let message = "Endpoint not found. See /docs for all endpoints.";
    Problem::new(StatusCode::NOT_FOUND, "not_found", message).into()
}
