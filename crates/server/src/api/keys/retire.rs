//! `POST /keys/{id}/retire`: the old secret ends before its time.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use keyrack_core::Acting;

use super::{ChangedKey, key_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Retire the old secret of a key
///
/// After a rotation with an overlap: the old secret ends now instead of at the end of its overlap, and the current one
/// stays. A key of which no old secret works stays as it is. Always allowed to whoever may manage keys.
#[utoipa::path(post, path = "/keys/{id}/retire", tag = "Keys", operation_id = "revokeOldKeySecret",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "The key as it is now", body = ChangedKey),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key was deleted")))]
pub async fn retire(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let (key, propagation) = app.keys.retire(&by, key_id(&id)?).await?;
    Ok(ChangedKey::answer(&key, propagation, app.now()))
}
