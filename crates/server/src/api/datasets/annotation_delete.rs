//! `DELETE /projects/{id}/annotations/{annotation}`: deletes an annotation.

use axum::extract::{Path, State};
use http::StatusCode;
use keyrack_core::OpError;

use super::InProject;
use crate::api::ApiError;
use crate::app::Shared;

/// Delete an annotation
///
/// Deletes one annotation. The image and its other annotations don't change.
#[utoipa::path(delete, path = "/projects/{id}/annotations/{annotation}", tag = "Datasets", operation_id = "deleteAnnotation",
    params(
        ("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."),
        ("annotation" = crate::api::schema::AnnotationId, Path, description = "The annotation's ID.")),
    responses(
        (status = 204, description = "The annotation is deleted."),
        (status = 404, description = "The project or the annotation doesn't exist.")))]
pub async fn delete(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Path((_, annotation)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let id = annotation.parse().map_err(|_| OpError::NotFound("annotation"))?;
    app.datasets.delete_annotation(&by, project, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
