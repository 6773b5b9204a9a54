//! `POST /keys/{id}/resume`: a paused key works again.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use keyrack_core::Acting;

use super::{ChangedKey, key_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Resume a key
///
/// It works again as it did before it was paused. A key that is not paused stays as it is. A key never resumes one that
/// holds more than it does itself.
#[utoipa::path(post, path = "/keys/{id}/resume", tag = "Keys", operation_id = "resumeKey",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "The key as it is now", body = ChangedKey),
        (status = 403, description = "It holds more than the calling key"),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key was deleted")))]
pub async fn resume(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let (key, propagation) = app.keys.resume(&by, key_id(&id)?).await?;
    Ok(ChangedKey::answer(&key, propagation, app.now()))
}
