//! `POST /keys/{id}/rotate`: replaces the secret of a key.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::{HeaderMap, header};
use keyrack_core::times;
use keyrack_core::{AuthorizedCaller, Invalid};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{KeyWithSecret, idempotency_key, key_id};
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;
use crate::http::compression::Uncompressed;

/// The grace period of the old secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateKeyRequest {
    /// How long the old secret keeps working, such as `1h` or `7d`, at most `30d`. `0s` revokes it immediately.
    #[schema(value_type = crate::api::schema::DurationString)]
    grace_period: String,
}

/// Rotate a key
///
/// Returns the key with a new secret. No other request returns the secret again. The ID, the scopes, and the usage of the key
/// don't change. The old secret keeps working for `gracePeriod`, but not after the key expires. An older secret that still works
/// after a previous rotation is revoked.
#[utoipa::path(post, path = "/keys/{id}/rotate", tag = "Keys", operation_id = "rotateKey", request_body = RotateKeyRequest,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200, description = "A unique name for this request, up to 200 characters.")),
    responses(
        (status = 200, description = "The key with its new secret.", body = KeyWithSecret),
        (status = 403, description = "The key exceeds the permissions or restrictions of the calling key."),
        (status = 404, description = "The key doesn't exist."),
        (status = 409, description = "The key was deleted, or a request with this `Idempotency-Key` already rotated it."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn rotate(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<RotateKeyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let grace_period =
        times::span(&body.grace_period).map_err(|expected| Invalid::field("gracePeriod", expected))?;
    let rotated = app.keys.rotate(&by, key_id(&id)?, grace_period, idempotency_key(&headers)?).await?;
    let head = (Extension(Uncompressed), [(header::CACHE_CONTROL, "no-store")]);
    Ok((head, Json(KeyWithSecret::new(rotated, (app.clock)()))))
}
