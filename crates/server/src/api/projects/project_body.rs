//! A project as the API shows it.

use keyrack_store::Project;
use serde::Serialize;
use utoipa::ToSchema;

use crate::times::rfc3339;

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectBody {
    #[schema(example = "prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f")]
    id: String,
    #[schema(example = "Bottle caps")]
    name: String,
    workspace_id: String,
    /// `classification` or `object_detection`.
    #[schema(example = "object_detection")]
    project_type: &'static str,
    description: Option<String>,
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
