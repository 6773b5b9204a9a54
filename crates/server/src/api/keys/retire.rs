//! `POST /keys/{id}/retire`: revokes the old secret of a key before its grace period ends.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use keyrack_core::AuthorizedCaller;

use super::{UpdatedKey, key_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Revoke the old secret of a key
///
/// Ends the grace period of the last rotation: the old secret stops working now, and the current secret keeps working. The
/// request has no effect if no old secret works. An actor who may manage keys may do this for any key.
#[utoipa::path(post, path = "/keys/{id}/retire", tag = "Keys", operation_id = "revokeOldKeySecret",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The updated key.", body = UpdatedKey),
        (status = 404, description = "The key doesn't exist."),
        (status = 409, description = "The key was deleted.")))]
pub async fn retire(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let (key, propagation) = app.keys.retire(&by, key_id(&id)?).await?;
    Ok(UpdatedKey::response(&key, propagation, app.now()))
}
