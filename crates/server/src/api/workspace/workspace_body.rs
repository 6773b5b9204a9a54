//! The response type of workspaces.

use serde::Serialize;
use utoipa::ToSchema;

use keyrack_core::settings::WorkspaceSettings;
use keyrack_core::times::rfc3339;

/// A workspace and its policy for keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Workspace)]
pub struct WorkspaceBody {
    #[schema(value_type = crate::api::schema::WorkspaceId)]
    id: String,
    /// The name of the workspace in URLs. The slug never changes.
    #[schema(example = "northfield-vision")]
    slug: String,
    #[schema(example = "Northfield Vision")]
    name: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// The maximum time until a key expires, in days. A key that is created without an expiration expires after this time. Null
    /// means no maximum. The policy doesn't change existing keys.
    max_key_lifetime_days: Option<u32>,
    /// The age at which the server recommends to rotate a secret, in days. Null means never.
    rotate_after_days: Option<u32>,
}

impl From<WorkspaceSettings> for WorkspaceBody {
    fn from(WorkspaceSettings { workspace, policy }: WorkspaceSettings) -> Self {
        Self {
            id: workspace.id.to_string(),
            slug: workspace.slug,
            name: workspace.name,
            created_at: rfc3339(workspace.created_at),
            max_key_lifetime_days: policy.longest_life,
            rotate_after_days: policy.rotation_age,
        }
    }
}
