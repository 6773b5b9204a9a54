//! `PATCH /projects/{id}`: rename or describe a project.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use keyrack_core::projects::Patch;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ProjectBody, project_id};
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// What is to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateProjectRequest {
    #[schema(value_type = Option<crate::api::schema::Name>)]
    name: Option<String>,
    /// Empty: none.
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// Rename or describe a project
///
/// Its type never changes.
#[utoipa::path(patch, path = "/projects/{id}", tag = "Projects", operation_id = "updateProject", request_body = UpdateProjectRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID")),
    responses(
        (status = 200, description = "The project as it is now", body = ProjectBody),
        (status = 403, description = "The key is restricted to other projects"),
        (status = 404, description = "There is no such project"),
        (status = 409, description = "The name is taken"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn edit(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    Body(body): Body<UpdateProjectRequest>,
) -> Result<Json<ProjectBody>, ApiError> {
    let patch = Patch { name: body.name, description: body.description };
    let project = app.projects.edit(&by, project_id(&id)?, patch).await?;
    Ok(Json(ProjectBody::from(&project)))
}
