//! `DELETE /keys/{id}`: the end of a key.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PropagationBody, key_id};
use crate::api::ApiError;
use crate::api::body::OptionalBody;
use crate::app::Shared;

/// Why, if you like; the body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeleteKeyRequest {
    /// At most 200 characters, kept in the history.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// Where the deletion has arrived.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedKey {
    propagation: PropagationBody,
}

/// Delete a key
///
/// At once and for good: when the answer is there, no request with any secret of the key is accepted any more.
/// The key stays in the history.
#[utoipa::path(delete, path = "/keys/{id}", tag = "Keys", operation_id = "deleteKey", request_body = Option<DeleteKeyRequest>,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "It is deleted", body = DeletedKey),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "It was deleted before")))]
pub async fn delete(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    OptionalBody(body): OptionalBody<DeleteKeyRequest>,
) -> Result<Json<DeletedKey>, ApiError> {
    let reason = body.reason.unwrap_or_default();
    let (_, propagation) = app.keys.delete(&by, key_id(&id)?, &reason).await?;
    Ok(Json(DeletedKey { propagation: propagation.into() }))
}
