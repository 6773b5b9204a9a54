//! `POST /projects/{id}/datasets/records`: creates the record of an uploaded image.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};
use keyrack_core::datasets::RecordDraft;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{DatasetRecord, InProject};
use crate::api::ApiError;
use crate::api::body::Body;
use crate::api::quota_headers;
use crate::app::Shared;

/// The properties of a new record. The server detects the size and the type of the image from its bytes.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateRecordRequest {
    /// The name of the file, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255, example = "cap-0001.jpg")]
    name: String,
    /// The ID of the record's batch.
    #[serde(default, rename = "batchId")]
    #[schema(value_type = Option<crate::api::schema::BatchId>)]
    batch: Option<String>,
    /// The `uri` of the upload.
    #[schema(value_type = crate::api::schema::UploadUri)]
    source: String,
}

/// Create a record
///
/// Decodes the uploaded image completely and adds it to the dataset. Returns the existing record if the upload already has one.
/// Unknown fields are ignored.
#[utoipa::path(post, path = "/projects/{id}/datasets/records", tag = "Datasets", operation_id = "createRecord",
    request_body = CreateRecordRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 201, description = "The new record.", body = DatasetRecord),
        (status = 200, description = "The existing record of this upload.", body = DatasetRecord),
        (status = 403, description = "The upload has expired, or the key that requested it may no longer upload."),
        (status = 404, description = "The project doesn't exist."),
        (status = 409, description = "No image was sent to the upload URL."),
        (status = 413, description = "The image exceeds the server's maximum size in bytes or pixels."),
        (status = 415, description = "The file isn't a JPEG, PNG, or WebP image."),
        (status = 429, description = "The rate limit or a quota of images is exceeded. Retry after `Retry-After` seconds."),
        (status = 422, description = "The image is animated or can't be decoded, or a field is invalid. `details` names it.")))]
pub async fn create(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Body(body): Body<CreateRecordRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let batch = body.batch.map(|id| id.parse()).transpose();
    let batch = batch.map_err(|_| ApiError::field("batchId", "Use the ID of a batch of this project."))?;
    let draft = RecordDraft { name: body.name, batch, source: body.source };
    let (record, is_new, quota) = app.datasets.create_record(&by, project, draft).await?;
    // An existing record may already have annotations.
    let found = app.datasets.read(&by, project, record.id).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/projects/{project}/datasets/records/{}", record.id);
    let body = DatasetRecord::new(&found.record, &found.annotations);
    Ok((status, quota_headers::headers(&quota, app.now()), [(header::LOCATION, location)], Json(body)))
}
