//! `GET /keys/{id}/sightings`: where secrets of a key were seen by others.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use keyrack_core::times::rfc3339;
use keyrack_store::{ExposureRecord, KeyRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::key_id;
use crate::api::ApiError;
use crate::app::Shared;

/// Where others can read a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyExposureList)]
pub struct SightingList {
    /// The last place first; empty where its living secrets were seen nowhere.
    items: Vec<SightingBody>,
}

/// A place where a secret was seen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyExposure)]
pub struct SightingBody {
    /// `browser`: on a page that is not ours; `url`: in a query.
    #[schema(value_type = crate::api::schema::ExposureKind)]
    exposure: &'static str,
    /// The page that called; null where it did not say.
    #[schema(example = "https://shop.example")]
    origin: Option<String>,
    /// The last four characters of the secret.
    #[schema(example = "9fQ2")]
    secret: String,
    /// `current` or `retiring`: of a secret that has ended nothing is told.
    #[schema(value_type = crate::api::schema::SecretState)]
    secret_state: &'static str,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
}

impl SightingBody {
    fn of(seen: &ExposureRecord, key: &KeyRow) -> Self {
        let origin = seen.origin.as_str();
        let is_current = key.secrets.iter().any(|one| one.hint == seen.hint && one.retires_at.is_none());
        Self {
            exposure: seen.exposure.name(),
            origin: Some(origin.to_owned()).filter(|origin| !origin.is_empty()),
            secret: seen.hint.to_string(),
            secret_state: if is_current { "current" } else { "retiring" },
            first_seen: rfc3339(seen.first),
            last_seen: rfc3339(seen.last),
        }
    }
}

/// Where a key was seen in public
///
/// Requests with a `secret` key that came from a page in a browser, or carried it in their URL, whether they were let through
/// or not: whoever opens that page, or reads that log, has the secret. Written down each second; the first eight places of each
/// secret, for as long as it works. A secret that takes its place has been seen nowhere.
#[utoipa::path(get, path = "/keys/{id}/sightings", tag = "Keys", operation_id = "listKeyExposures",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "The places", body = SightingList),
        (status = 404, description = "There is no such key")))]
pub async fn sightings(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<Json<SightingList>, ApiError> {
    let (key, seen) = app.keys.sightings(&by, key_id(&id)?).await?;
    Ok(Json(SightingList { items: seen.iter().map(|one| SightingBody::of(one, &key)).collect() }))
}
