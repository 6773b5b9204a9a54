//! `DELETE /projects/{id}`: deletes a project.

use axum::extract::{Path, State};
use http::StatusCode;
use keyrack_core::AuthorizedCaller;

use super::project_id;
use crate::api::ApiError;
use crate::app::Shared;

/// Delete a project
///
/// Deletes the project with its dataset and its models. A deletion can't be undone.
#[utoipa::path(delete, path = "/projects/{id}", tag = "Projects", operation_id = "deleteProject",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 204, description = "The project is deleted."),
        (status = 403, description = "The key is restricted to other projects, or to certain models."),
        (status = 404, description = "The project doesn't exist.")))]
pub async fn delete(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.projects.delete(&by, project_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
