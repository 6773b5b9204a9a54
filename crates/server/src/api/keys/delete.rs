//! `DELETE /keys/{id}`: deletes a key.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::AuthorizedCaller;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PropagationBody, key_id};
use crate::api::ApiError;
use crate::api::body::OptionalBody;
use crate::app::Shared;

/// The reason for a deletion. The body is optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeleteKeyRequest {
    /// The reason, up to 200 characters. The audit log keeps it.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// The propagation of a deletion.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedKey {
    propagation: PropagationBody,
}

/// Delete a key
///
/// After the response, all requests with any secret of the key are denied. A deletion can't be undone. The audit log
/// keeps the key's entries.
#[utoipa::path(delete, path = "/keys/{id}", tag = "Keys", operation_id = "deleteKey", request_body = Option<DeleteKeyRequest>,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The key is deleted.", body = DeletedKey),
        (status = 404, description = "The key doesn't exist."),
        (status = 409, description = "The key was already deleted.")))]
pub async fn delete(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    OptionalBody(body): OptionalBody<DeleteKeyRequest>,
) -> Result<Json<DeletedKey>, ApiError> {
    let reason = body.reason.unwrap_or_default();
    let (_, propagation) = app.keys.delete(&by, key_id(&id)?, &reason).await?;
    Ok(Json(DeletedKey { propagation: propagation.into() }))
}
