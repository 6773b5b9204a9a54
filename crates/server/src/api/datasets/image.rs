//! `GET /projects/{id}/datasets/records/{record}/image`: the picture itself.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use keyrack_core::datasets::Size;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{InProject, record_id};
use crate::api::ApiError;
use crate::api::body::Params;
use crate::app::Shared;
use crate::edge::etag;
use crate::edge::object_body::object_body;

/// A picture never changes. It is the workspace's, so nobody between keeps it.
const CACHING: &str = "private, max-age=31536000, immutable";
/// What decides whether somebody may see it: a browser that keeps it for one key shows it to no other.
const VARY: &str = "Authorization, X-Api-Key, Cookie, X-Keyrack-Workspace";
/// Whoever opens the bytes as a page gets a page that can do nothing.
const POLICY: &str = "sandbox; default-src 'none'";

/// How large.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ImageQuery {
    /// `full` (the default): as it was uploaded; `thumbnail`: a JPEG of at most 320 pixels along a side.
    #[param(value_type = Option<crate::api::schema::ImageSize>)]
    size: Option<String>,
}

/// Get an image
///
/// The bytes of the image, as they were uploaded or as a thumbnail. They never change, so they can be cached.
#[utoipa::path(get, path = "/projects/{id}/datasets/records/{record}/image", tag = "Datasets", operation_id = "getRecordImage",
    params(
        ("id" = crate::api::schema::ProjectId, Path, description = "The project's ID"),
        ("record" = crate::api::schema::RecordId, Path, description = "The record's ID"), ImageQuery),
    responses(
        (status = 200, description = "The picture", content(
            (inline(crate::api::schema::Bytes) = "image/jpeg"), (inline(crate::api::schema::Bytes) = "image/png"),
            (inline(crate::api::schema::Bytes) = "image/webp"))),
        (status = 304, description = "It is the one that `If-None-Match` names"),
        (status = 404, description = "There is no such project or record"),
        (status = 422, description = "A parameter is not as expected; `details` names it")))]
pub async fn image(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Path((_, record)): Path<(String, String)>,
    Params(query): Params<ImageQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (size, word) = match query.size.as_deref() {
        None | Some("full") => (Size::Full, "full"),
        Some("thumbnail") => (Size::Thumbnail, "thumbnail"),
        Some(_) => return Err(ApiError::field("size", "expected full or thumbnail")),
    };
    let record = record_id(&record)?;
    let tag = format!("\"{record}-{word}\"");
    let kept = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, CACHING.to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::VARY, VARY.to_owned()),
    ];
    if etag::is_known(&headers, &tag) {
        app.datasets.read(&by, project, record).await?;
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let (image, kind) = app.datasets.image(&by, project, record, size).await?;
    Ok((kept, [(header::CONTENT_TYPE, kind)], object_body(image)).into_response())
}
