//! `GET /projects/{id}`: returns a project.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::AuthorizedCaller;

use super::{ProjectBody, project_id};
use crate::api::ApiError;
use crate::app::Shared;

/// Get a project
///
/// Returns a project that the key can access.
#[utoipa::path(get, path = "/projects/{id}", tag = "Projects", operation_id = "getProject",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 200, description = "The project.", body = ProjectBody),
        (status = 403, description = "The key is restricted to other projects."),
        (status = 404, description = "The project doesn't exist.")))]
pub async fn read(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<Json<ProjectBody>, ApiError> {
    let project = app.projects.read(&by, project_id(&id)?).await?;
    Ok(Json(ProjectBody::from(&*project)))
}
