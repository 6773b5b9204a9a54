//! `GET /projects/{id}/datasets/records/{record}/image`: returns an image or its thumbnail.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use keyrack_core::datasets::ImageSize;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{InProject, record_id};
use crate::api::ApiError;
use crate::api::body::Params;
use crate::app::Shared;
use crate::http::etag;
use crate::http::object_body::object_body;

/// Browsers may cache an image without a time limit, because it never changes. Shared caches may not, because it belongs to a workspace.
const CACHE_CONTROL: &str = "private, max-age=31536000, immutable";
/// The credentials: a browser must not serve an image that it cached for one key to another key.
const VARY: &str = "Authorization, X-Api-Key, Cookie, X-Keyrack-Workspace";
/// A browser that opens the file as a page runs nothing in it.
const POLICY: &str = "sandbox; default-src 'none'";

/// The size of the image.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ImageQuery {
    /// `full` (the default): the uploaded file. `thumbnail`: a JPEG of at most 320 × 320 pixels.
    #[param(value_type = Option<crate::api::schema::ImageSize>)]
    size: Option<String>,
}

/// Get an image
///
/// Returns the uploaded file or a thumbnail. Clients can cache the image, because it never changes.
#[utoipa::path(get, path = "/projects/{id}/datasets/records/{record}/image", tag = "Datasets", operation_id = "getRecordImage",
    params(
        ("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."),
        ("record" = crate::api::schema::RecordId, Path, description = "The record's ID."), ImageQuery),
    responses(
        (status = 200, description = "The image.", content(
            (inline(crate::api::schema::Bytes) = "image/jpeg"), (inline(crate::api::schema::Bytes) = "image/png"),
            (inline(crate::api::schema::Bytes) = "image/webp"))),
        (status = 304, description = "The client already has this image, according to `If-None-Match`."),
        (status = 404, description = "The project or the record doesn't exist."),
        (status = 422, description = "A parameter is invalid. `details` names it.")))]
pub async fn image(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Path((_, record)): Path<(String, String)>,
    Params(query): Params<ImageQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (size, name) = match query.size.as_deref() {
        None | Some("full") => (ImageSize::Full, "full"),
        Some("thumbnail") => (ImageSize::Thumbnail, "thumbnail"),
        Some(_) => return Err(ApiError::field("size", "Use full or thumbnail.")),
    };
    let record = record_id(&record)?;
    let tag = format!("\"{record}-{name}\"");
    let head = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, CACHE_CONTROL.to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::VARY, VARY.to_owned()),
    ];
    if etag::is_known(&headers, &tag) {
        app.datasets.read(&by, project, record).await?;
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    let (image, media_type) = app.datasets.image(&by, project, record, size).await?;
    Ok((head, [(header::CONTENT_TYPE, media_type)], object_body(image)).into_response())
}
