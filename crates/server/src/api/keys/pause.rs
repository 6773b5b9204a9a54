//! `POST /keys/{id}/pause`: pauses a key.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use keyrack_core::times;
use keyrack_core::{AuthorizedCaller, Invalid};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{UpdatedKey, key_id};
use crate::api::ApiError;
use crate::api::body::OptionalBody;
use crate::app::Shared;

/// The duration of a pause. The body is optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PauseKeyRequest {
    /// The duration of the pause, such as `10m` or `24h`, at most `30d`. Without it, the key is paused until someone resumes it.
    #[schema(value_type = Option<crate::api::schema::DurationString>)]
    duration: Option<String>,
}

/// Pause a key
///
/// After the response, all requests with any secret of the key are denied until the pause ends. Pausing a paused key replaces
/// its pause. An actor who may manage keys may pause any key. An earlier end of the current pause needs the same permissions as
/// resuming the key.
#[utoipa::path(post, path = "/keys/{id}/pause", tag = "Keys", operation_id = "pauseKey", request_body = Option<PauseKeyRequest>,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The paused key.", body = UpdatedKey),
        (status = 403, description = "The pause would end earlier than now, and the key exceeds the permissions or restrictions of the calling key."),
        (status = 404, description = "The key doesn't exist."),
        (status = 409, description = "The key was deleted."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn pause(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    OptionalBody(body): OptionalBody<PauseKeyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let duration = body.duration.as_deref().map(times::span).transpose();
    let duration =
        duration.map_err(|expected| Invalid::field("duration", format!("{expected} The maximum is 30d.")))?;
    let (key, propagation) = app.keys.pause(&by, key_id(&id)?, duration).await?;
    Ok(UpdatedKey::response(&key, propagation, app.now()))
}
