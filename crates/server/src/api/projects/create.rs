//! `POST /projects`: make a project.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};
use keyrack_core::Acting;
use keyrack_core::projects::Draft;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ProjectBody;
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// A project to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProjectRequest {
    /// 1 to 100 characters, not yet used in the workspace.
    #[schema(value_type = crate::api::schema::Name)]
    name: String,
    /// `classification` or `object_detection`.
    #[schema(value_type = crate::api::schema::ProjectType)]
    project_type: String,
    /// At most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// Create a project
///
/// Its models learn one class for each image, or boxes in it; that never changes.
#[utoipa::path(post, path = "/projects", tag = "Projects", operation_id = "createProject", request_body = CreateProjectRequest,
    responses(
        (status = 201, description = "The project", body = ProjectBody),
        (status = 409, description = "The name is taken"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn create(
    State(app): State<Shared>,
    by: Acting,
    Body(body): Body<CreateProjectRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let project_type = body.project_type.parse();
    let project_type = project_type
        .map_err(|_| ApiError::field("projectType", "expected classification or object_detection"))?;
    let draft = Draft { name: body.name, project_type, description: body.description.unwrap_or_default() };
    let project = app.projects.create(&by, draft).await?;
    let location = [(header::LOCATION, format!("/api/v1/projects/{}", project.id))];
    Ok((StatusCode::CREATED, location, Json(ProjectBody::from(&project))))
}
