//! `POST /projects`: creates a project.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};
use keyrack_core::AuthorizedCaller;
use keyrack_core::projects::ProjectDraft;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ProjectBody;
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// The properties of a new project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProjectRequest {
    /// A name that no other project of the workspace has, 1 to 100 characters.
    #[schema(value_type = crate::api::schema::DisplayName)]
    name: String,
    /// `classification` or `object_detection`. The type never changes.
    #[schema(value_type = crate::api::schema::ProjectType)]
    project_type: String,
    /// A description for people, up to 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// Create a project
///
/// The models of a project predict one class for each image, or detect objects in it, depending on the type of the project.
#[utoipa::path(post, path = "/projects", tag = "Projects", operation_id = "createProject", request_body = CreateProjectRequest,
    responses(
        (status = 201, description = "The project.", body = ProjectBody),
        (status = 409, description = "Another project has this name."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn create(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Body(body): Body<CreateProjectRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let project_type = body.project_type.parse();
    let project_type = project_type
        .map_err(|_| ApiError::field("projectType", "Use classification or object_detection."))?;
    let draft =
        ProjectDraft { name: body.name, project_type, description: body.description.unwrap_or_default() };
    let project = app.projects.create(&by, draft).await?;
    let location = [(header::LOCATION, format!("/api/v1/projects/{}", project.id))];
    Ok((StatusCode::CREATED, location, Json(ProjectBody::from(&project))))
}
