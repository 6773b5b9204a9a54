//! `POST /keys/{id}/pause`: a key is refused for a while.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use keyrack_core::times;
use keyrack_core::{Acting, Invalid};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ChangedKey, key_id};
use crate::api::ApiError;
use crate::api::body::OptionalBody;
use crate::app::Shared;

/// For how long; the body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PauseKeyRequest {
    /// `10m`, `24h` and so on, at most `30d`: the key works again by itself then. Left out or null: until it is resumed.
    #[schema(value_type = Option<crate::api::schema::Span>)]
    r#for: Option<String>,
}

/// Pause a key
///
/// At once: when the answer is there, no request with any secret of the key is accepted, until the pause is over or the
/// key is resumed. Everything else about it stays. A pause of a paused key takes the place of the one before.
/// Always allowed to whoever may manage keys, but for one that ends before the one that is there: see *resume*.
#[utoipa::path(post, path = "/keys/{id}/pause", tag = "Keys", operation_id = "pauseKey", request_body = Option<PauseKeyRequest>,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "The key as it is now", body = ChangedKey),
        (status = 403, description = "It would work sooner than now, and holds more than the calling key"),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key was deleted"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn pause(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    OptionalBody(body): OptionalBody<PauseKeyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let span = body.r#for.as_deref().map(times::span).transpose();
    let span = span.map_err(|expected| Invalid::field("for", format!("{expected}, at most 30d")))?;
    let (key, propagation) = app.keys.pause(&by, key_id(&id)?, span).await?;
    Ok(ChangedKey::answer(&key, propagation, app.now()))
}
