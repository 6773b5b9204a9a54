//! `GET /keys/{id}`: one key.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::header;
use keyrack_core::Acting;

use super::{KeyBody, etag, key_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Read a key
///
/// Also when it has expired or was deleted. Never a secret.
#[utoipa::path(get, path = "/keys/{id}", tag = "Keys", operation_id = "getKey",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "The key; its `ETag` goes into `If-Match`", body = KeyBody),
        (status = 404, description = "There is no such key")))]
pub async fn read(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let key = app.keys.read(&by, key_id(&id)?).await?;
    let standings = app.quotas.standings_of(&key).await?;
    let body = KeyBody::new(&key, app.now()).standing(standings);
    Ok(([(header::ETAG, etag(key.revision))], Json(body)))
}
