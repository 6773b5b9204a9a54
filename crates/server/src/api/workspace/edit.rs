//! `PATCH /workspace`: its name, and what it demands of its keys.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;
use keyrack_core::settings::Patch;
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use utoipa::ToSchema;

use super::WorkspaceBody;
use crate::api::ApiError;
use crate::api::body::Body;
use crate::app::Shared;

/// What is to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateWorkspaceRequest {
    /// 1 to 100 characters.
    #[schema(value_type = Option<crate::api::schema::Name>)]
    name: Option<String>,
    /// How far ahead the end of a key may be set, in days, from 1 to 3,650. Null: as far as somebody likes.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 3650)]
    longest_life_days: Option<Option<Number>>,
    /// After how many days a secret counts as old, from 1 to 3,650. Null: never.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 3650)]
    rotation_age_days: Option<Option<Number>>,
}

/// Tells a field that is null from one that is left out.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<Number>>, D::Error> {
    Option::deserialize(field).map(Some)
}

impl From<UpdateWorkspaceRequest> for Patch {
    fn from(patch: UpdateWorkspaceRequest) -> Self {
        // What is no whole number is out of every range.
        let days = |days: Option<Number>| days.map(|number| number.as_u64().unwrap_or(0));
        Self {
            name: patch.name,
            longest_life: patch.longest_life_days.map(days),
            rotation_age: patch.rotation_age_days.map(days),
        }
    }
}

/// Change the workspace
///
/// For owners and admins, signed in: a key may read the policy that it has to obey, and not change it. Keys that exist
/// stay as they are.
#[utoipa::path(patch, path = "/workspace", tag = "Workspace", operation_id = "updateWorkspace",
    request_body = UpdateWorkspaceRequest,
    responses(
        (status = 200, description = "The workspace as it is now", body = WorkspaceBody),
        (status = 403, description = "A key asks for a change, or a member whose role is not enough"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn edit(
    State(app): State<Shared>,
    by: Acting,
    Body(patch): Body<UpdateWorkspaceRequest>,
) -> Result<Json<WorkspaceBody>, ApiError> {
    Ok(Json(app.settings.edit(&by, patch.into()).await?.into()))
}
