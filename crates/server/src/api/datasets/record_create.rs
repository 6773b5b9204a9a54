//! `POST /projects/{id}/datasets/records`: make a record of a picture that was uploaded.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};
use keyrack_core::datasets::RecordDraft;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{InProject, RecordBody};
use crate::api::ApiError;
use crate::api::body::Body;
use crate::api::quota_headers;
use crate::app::Shared;

/// A record to be made. What clients say of size and type is passed over: the picture itself tells.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateRecordRequest {
    /// What its file is called, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255, example = "cap-0001.jpg")]
    name: String,
    /// The batch that it belongs to, if any.
    #[serde(default, rename = "batchId")]
    #[schema(value_type = Option<crate::api::schema::BatchId>)]
    batch: Option<String>,
    /// The `uri` of its upload.
    #[schema(value_type = crate::api::schema::UploadUri)]
    source: String,
}

/// Make a record
///
/// Of the picture that was sent to an upload URL, which is decoded to its last pixel first. The same `source` again
/// answers with its record. Fields that are not listed are passed over.
#[utoipa::path(post, path = "/projects/{id}/datasets/records", tag = "Datasets", operation_id = "createRecord",
    request_body = CreateRecordRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID")),
    responses(
        (status = 201, description = "The record", body = RecordBody),
        (status = 200, description = "The record that was made of this source before", body = RecordBody),
        (status = 403, description = "The upload's time is over, or the key that asked for it may not upload any more"),
        (status = 404, description = "There is no such project"),
        (status = 409, description = "Nothing was sent to the upload URL yet"),
        (status = 413, description = "The image has more bytes or pixels than this server takes"),
        (status = 415, description = "The bytes are not a JPEG, PNG or WebP image"),
        (status = 429, description = "The key has sent too many requests lately, or uploaded all images of its day or month; `Retry-After` says when to come back"),
        (status = 422, description = "The image cannot be decoded or is animated, or a field is not as expected; `details` names it")))]
pub async fn create(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Body(body): Body<CreateRecordRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let batch = body.batch.map(|id| id.parse()).transpose();
    let batch =
        batch.map_err(|_| ApiError::field("batchId", "expected the id of a batch of this project"))?;
    let draft = RecordDraft { name: body.name, batch, source: body.source };
    let (record, is_new, spent) = app.datasets.create_record(&by, project, draft).await?;
    // One that was there before may carry labels already.
    let found = app.datasets.read(&by, project, record.id).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/projects/{project}/datasets/records/{}", record.id);
    let body = RecordBody::of(&found.record, &found.annotations);
    Ok((status, quota_headers::headers(&spent, app.now()), [(header::LOCATION, location)], Json(body)))
}
