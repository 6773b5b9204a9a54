//! `GET /projects/{id}/datasets/records/{record}`: one record.

use axum::Json;
use axum::extract::{Path, State};

use super::{InProject, RecordBody, record_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Get an image record
///
/// With all its annotations and their metadata.
#[utoipa::path(get, path = "/projects/{id}/datasets/records/{record}", tag = "Datasets", operation_id = "getRecord",
    params(
        ("id" = crate::api::schema::ProjectId, Path, description = "The project's ID"),
        ("record" = crate::api::schema::RecordId, Path, description = "The record's ID")),
    responses(
        (status = 200, description = "The record with what is in it", body = RecordBody),
        (status = 404, description = "There is no such project or record")))]
pub async fn read(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Path((_, record)): Path<(String, String)>,
) -> Result<Json<RecordBody>, ApiError> {
    let found = app.datasets.read(&by, project, record_id(&record)?).await?;
    Ok(Json(RecordBody::of(&found.record, &found.annotations)))
}
