//! `DELETE /projects/{id}/datasets/records/{record}`: the end of a picture.

use axum::extract::{Path, State};
use http::StatusCode;

use super::{InProject, record_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Delete a record
///
/// With its annotations and its picture.
#[utoipa::path(delete, path = "/projects/{id}/datasets/records/{record}", tag = "Datasets", operation_id = "deleteRecord",
    params(
        ("id" = crate::api::schema::ProjectId, Path, description = "The project's ID"),
        ("record" = crate::api::schema::RecordId, Path, description = "The record's ID")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 404, description = "There is no such project or record")))]
pub async fn delete(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Path((_, record)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    app.datasets.delete_record(&by, project, record_id(&record)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
