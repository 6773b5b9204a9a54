//! `GET /keys/{id}/exposures`: lists where secrets of a key were exposed.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_store::{ExposureRecord, KeyRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::key_id;
use crate::api::ApiError;
use crate::app::Shared;
use keyrack_core::AuthorizedCaller;
use keyrack_core::times::rfc3339;

/// The exposures of a key's secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyExposureList {
    /// The newest exposure comes first.
    items: Vec<KeyExposure>,
}

/// An exposure of a secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyExposure {
    /// `browser`: a page of another site sent the secret. `url`: the query of a URL contained it.
    #[schema(value_type = crate::api::schema::ExposureKind)]
    kind: &'static str,
    /// The origin of the page that sent the secret. Null if the request had none.
    #[schema(example = "https://shop.example")]
    origin: Option<String>,
    /// The last four characters of the secret.
    #[schema(example = "9fQ2")]
    secret_hint: String,
    /// `current` or `retiring`. Exposures of ended secrets aren't listed.
    #[schema(value_type = crate::api::schema::SecretState)]
    secret_state: &'static str,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
}

impl KeyExposure {
    fn new(seen: &ExposureRecord, key: &KeyRow) -> Self {
        let origin = seen.origin.as_str();
        let is_current = key.secrets.iter().any(|one| one.hint == seen.hint && one.retires_at.is_none());
        Self {
            kind: seen.exposure.name(),
            origin: Some(origin.to_owned()).filter(|origin| !origin.is_empty()),
            secret_hint: seen.hint.to_string(),
            secret_state: if is_current { "current" } else { "retiring" },
            first_seen: rfc3339(seen.first),
            last_seen: rfc3339(seen.last),
        }
    }
}

/// List exposures of a key
///
/// Returns where a key of the class `secret` was sent by a page in a browser or in a URL. Visitors of the page, and readers of
/// logs with the URL, can read such a secret. Allowed and denied requests count. The server keeps the first eight exposures of
/// each working secret. Records are up to one second old.
#[utoipa::path(get, path = "/keys/{id}/exposures", tag = "Keys", operation_id = "listKeyExposures",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The exposures. Empty if there are none.", body = KeyExposureList),
        (status = 404, description = "The key doesn't exist.")))]
pub async fn list(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<Json<KeyExposureList>, ApiError> {
    let (key, seen) = app.keys.exposures(&by, key_id(&id)?).await?;
    Ok(Json(KeyExposureList { items: seen.iter().map(|one| KeyExposure::new(one, &key)).collect() }))
}
