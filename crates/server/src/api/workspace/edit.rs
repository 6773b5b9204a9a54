//! `PATCH /workspace`: updates the workspace and its policy for keys.

use axum::Json;
use axum::extract::State;
use keyrack_core::AuthorizedCaller;
use keyrack_core::settings::SettingsPatch;
use serde::Deserialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::WorkspaceBody;
use crate::api::ApiError;
use crate::api::body::{Body, nullable};
use crate::app::Shared;

/// Changes of a workspace. Fields that are left out don't change.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateWorkspaceRequest {
    /// A name of 1 to 100 characters.
    #[schema(value_type = Option<crate::api::schema::DisplayName>)]
    name: Option<String>,
    /// The maximum time until a key expires, in days. Null means no maximum.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 3650)]
    max_key_lifetime_days: Option<Option<Number>>,
    /// The age at which the server recommends to rotate a secret, in days. Null means never.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 3650)]
    rotate_after_days: Option<Option<Number>>,
}

impl From<UpdateWorkspaceRequest> for SettingsPatch {
    fn from(patch: UpdateWorkspaceRequest) -> Self {
        // 0 is out of both ranges, so numbers that aren't whole become 0.
        let days = |days: Option<Number>| days.map(|number| number.as_u64().unwrap_or(0));
        Self {
            name: patch.name,
            longest_life: patch.max_key_lifetime_days.map(days),
            rotation_age: patch.rotate_after_days.map(days),
        }
    }
}

/// Update the workspace
///
/// Changes the name of the workspace or its policy for keys. Only owners and admins who are signed in can do this: a key can
/// read the policy, but not change it. Existing keys don't change.
#[utoipa::path(patch, path = "/workspace", tag = "Workspace", operation_id = "updateWorkspace",
    request_body = UpdateWorkspaceRequest,
    responses(
        (status = 200, description = "The updated workspace.", body = WorkspaceBody),
        (status = 403, description = "The actor is a key, or a member whose role isn't sufficient."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn edit(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Body(patch): Body<UpdateWorkspaceRequest>,
) -> Result<Json<WorkspaceBody>, ApiError> {
    Ok(Json(app.settings.edit(&by, patch.into()).await?.into()))
}
