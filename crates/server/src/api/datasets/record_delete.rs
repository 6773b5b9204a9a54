//! `DELETE /projects/{id}/datasets/records/{record}`: deletes a record and its image.

use axum::extract::{Path, State};
use http::StatusCode;

use super::{InProject, record_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Delete a record
///
/// Deletes a record with its image and its annotations. A deletion can't be undone.
#[utoipa::path(delete, path = "/projects/{id}/datasets/records/{record}", tag = "Datasets", operation_id = "deleteRecord",
    params(
        ("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."),
        ("record" = crate::api::schema::RecordId, Path, description = "The record's ID.")),
    responses(
        (status = 204, description = "The record is deleted."),
        (status = 404, description = "The project or the record doesn't exist.")))]
pub async fn delete(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Path((_, record)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    app.datasets.delete_record(&by, project, record_id(&record)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
