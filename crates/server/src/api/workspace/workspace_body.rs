//! A workspace as the API shows it.

use keyrack_core::settings::WorkspaceSettings;
use keyrack_core::times::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Workspace)]
pub struct WorkspaceBody {
    #[schema(value_type = crate::api::schema::WorkspaceId)]
    id: String,
    /// Its word in addresses; it stays the same.
    #[schema(example = "northfield-vision")]
    slug: String,
    #[schema(example = "Northfield Vision")]
    name: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// How far ahead the end of a key may be set, in days; a key that is made without an end gets this one. Null: as far
    /// as somebody likes, and a key without an end has none. Keys that exist stay as they are.
    longest_life_days: Option<u32>,
    /// After how many days a secret counts as old; null: never.
    rotation_age_days: Option<u32>,
}

impl From<WorkspaceSettings> for WorkspaceBody {
    fn from(WorkspaceSettings { workspace, policy }: WorkspaceSettings) -> Self {
        Self {
            id: workspace.id.to_string(),
            slug: workspace.slug,
            name: workspace.name,
            created_at: rfc3339(workspace.created_at),
            longest_life_days: policy.longest_life,
            rotation_age_days: policy.rotation_age,
        }
    }
}
