//! `GET /keys/{id}`: returns a key.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::header;
use keyrack_core::AuthorizedCaller;

use super::{KeyBody, etag, key_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Get a key
///
/// Returns a key with the usage of its quotas. Expired and deleted keys are returned too.
#[utoipa::path(get, path = "/keys/{id}", tag = "Keys", operation_id = "getKey",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The key. Send its `ETag` in `If-Match` to update it.", body = KeyBody),
        (status = 404, description = "The key doesn't exist.")))]
pub async fn read(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let key = app.keys.read(&by, key_id(&id)?).await?;
    let standings = app.quotas.states_of(&key).await?;
    let body = KeyBody::new(&key, app.now()).with_quotas(standings);
    Ok(([(header::ETAG, etag(key.revision))], Json(body)))
}
