//! `POST /keys/{id}/resume`: resumes a paused key.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use keyrack_core::AuthorizedCaller;

use super::{UpdatedKey, key_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Resume a key
///
/// Ends the pause of a key. The request has no effect if the key isn't paused. A key can't resume a key that can do
/// more than itself.
#[utoipa::path(post, path = "/keys/{id}/resume", tag = "Keys", operation_id = "resumeKey",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The resumed key.", body = UpdatedKey),
        (status = 403, description = "The key exceeds the permissions or restrictions of the calling key."),
        (status = 404, description = "The key doesn't exist."),
        (status = 409, description = "The key was deleted.")))]
pub async fn resume(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let (key, propagation) = app.keys.resume(&by, key_id(&id)?).await?;
    Ok(UpdatedKey::response(&key, propagation, app.now()))
}
