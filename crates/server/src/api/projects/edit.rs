//! `PATCH /projects/{id}`: updates a project.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::AuthorizedCaller;
use keyrack_core::projects::ProjectPatch;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ProjectBody, project_id};
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// Changes of a project. Fields that are left out don't change.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateProjectRequest {
    /// A name that no other project of the workspace has, 1 to 100 characters.
    #[schema(value_type = Option<crate::api::schema::DisplayName>)]
    name: Option<String>,
    /// A description for people, up to 500 characters. An empty text removes the description.
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// Update a project
///
/// Changes the name or the description of a project.
#[utoipa::path(patch, path = "/projects/{id}", tag = "Projects", operation_id = "updateProject", request_body = UpdateProjectRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 200, description = "The updated project.", body = ProjectBody),
        (status = 403, description = "The key is restricted to other projects."),
        (status = 404, description = "The project doesn't exist."),
        (status = 409, description = "Another project has this name."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn edit(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    Body(body): Body<UpdateProjectRequest>,
) -> Result<Json<ProjectBody>, ApiError> {
    let patch = ProjectPatch { name: body.name, description: body.description };
    let project = app.projects.edit(&by, project_id(&id)?, patch).await?;
    Ok(Json(ProjectBody::from(&project)))
}
