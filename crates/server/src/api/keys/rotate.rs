//! `POST /keys/{id}/rotate`: a new secret for a key.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::{HeaderMap, header};
use keyrack_core::times;
use keyrack_core::{Acting, Invalid};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{KeyWithSecret, key_id, once};
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;
use crate::edge::compression::Uncompressed;

/// How long the old secret lives on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeyRequest {
    /// `0s` ends it now; `1h`, `24h`, `7d` and so on, at most `30d`.
    #[schema(value_type = crate::api::schema::Span)]
    overlap: String,
}

/// Rotate a key
///
/// The key keeps its id, scopes and history and gets a new secret, shown this once. The old one works for `overlap`
/// longer, and never beyond the key's own expiry. One that still retired from a rotation before ends now.
#[utoipa::path(post, path = "/keys/{id}/rotate", tag = "Keys", operation_id = "rotateKey", request_body = RotateKeyRequest,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, description = "A name for this request, up to 200 characters")),
    responses(
        (status = 200, description = "The key, with its new secret", body = KeyWithSecret),
        (status = 403, description = "It holds more than the calling key"),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key was deleted, or this request was carried out before"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn rotate(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<RotateKeyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let overlap = times::span(&body.overlap).map_err(|expected| Invalid::field("overlap", expected))?;
    let handed = app.keys.rotate(&by, key_id(&id)?, overlap, once(&headers)?).await?;
    let head = (Extension(Uncompressed), [(header::CACHE_CONTROL, "no-store")]);
    Ok((head, Json(KeyWithSecret::new(handed, (app.clock)()))))
}
