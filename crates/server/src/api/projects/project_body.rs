//! The response type of projects.

use keyrack_store::Project;
use serde::Serialize;
use utoipa::ToSchema;

use keyrack_core::times::rfc3339;

/// A project, with a dataset and models of one type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Project)]
pub struct ProjectBody {
    #[schema(value_type = crate::api::schema::ProjectId)]
    id: String,
    #[schema(example = "Bottle caps")]
    name: String,
    #[schema(value_type = crate::api::schema::WorkspaceId)]
    workspace_id: String,
    /// `classification` or `object_detection`.
    #[schema(value_type = crate::api::schema::ProjectType)]
    project_type: &'static str,
    description: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Project> for ProjectBody {
    fn from(project: &Project) -> Self {
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            workspace_id: project.workspace.to_string(),
            project_type: project.project_type.name(),
            description: project.description.clone(),
            created_at: rfc3339(project.created_at),
        }
    }
}
