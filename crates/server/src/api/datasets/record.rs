//! `GET /projects/{id}/datasets/records/{record}`: returns a record.

use axum::Json;
use axum::extract::{Path, State};

use super::{DatasetRecord, InProject, record_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Get an image record
///
/// Returns a record with its annotations and their metadata.
#[utoipa::path(get, path = "/projects/{id}/datasets/records/{record}", tag = "Datasets", operation_id = "getRecord",
    params(
        ("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."),
        ("record" = crate::api::schema::RecordId, Path, description = "The record's ID.")),
    responses(
        (status = 200, description = "The record.", body = DatasetRecord),
        (status = 404, description = "The project or the record doesn't exist.")))]
pub async fn read(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Path((_, record)): Path<(String, String)>,
) -> Result<Json<DatasetRecord>, ApiError> {
    let found = app.datasets.read(&by, project, record_id(&record)?).await?;
    Ok(Json(DatasetRecord::new(&found.record, &found.annotations)))
}
