//! `GET /keys/{id}/usage`: returns the usage of a key by hour.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::AuthorizedCaller;
use keyrack_core::times::{rfc3339, span};
use keyrack_key::Permission;
use keyrack_store::Usage;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::key_id;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::app::Shared;

const LAST_MAX: Duration = Duration::from_hours(90 * 24);

/// The time range of the usage.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct UsageQuery {
    /// How far back the usage goes, such as `24h` or `30d` (the default), at most `90d`. The first hour is returned whole.
    #[param(value_type = Option<crate::api::schema::DurationString>)]
    last: String,
}

impl Default for UsageQuery {
    fn default() -> Self {
        Self { last: "30d".to_owned() }
    }
}

/// The usage of a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyUsageList {
    /// The oldest hour comes first. Hours without usage are left out.
    items: Vec<KeyUsageBody>,
}

/// The number of checks of a key in one hour, for one permission and outcome.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyUsage)]
pub struct KeyUsageBody {
    /// The start of the hour.
    #[schema(format = DateTime)]
    hour: String,
    /// The permission that the requests needed. Null if they needed none.
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
    /// `allowed`, or the code of the denial.
    #[schema(example = "allowed")]
    outcome: String,
    /// The number of checks.
    checks: u64,
}

impl From<Usage> for KeyUsageBody {
    fn from(Usage { hour, permission, outcome, checks }: Usage) -> Self {
        Self { hour: rfc3339(hour), permission: permission.map(Permission::name), outcome, checks }
    }
}

/// Get the usage of a key
///
/// Returns the number of checks by hour, permission, and outcome. Records are up to one second old.
#[utoipa::path(get, path = "/keys/{id}/usage", tag = "Keys", operation_id = "getKeyUsage",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID."), UsageQuery),
    responses(
        (status = 200, description = "The usage.", body = KeyUsageList),
        (status = 404, description = "The key doesn't exist."),
        (status = 422, description = "A parameter is invalid. `details` names it.")))]
pub async fn usage(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    Params(query): Params<UsageQuery>,
) -> Result<Json<KeyUsageList>, ApiError> {
    let last = span(&query.last).ok().filter(|last| *last <= LAST_MAX);
    let last =
        last.ok_or_else(|| ApiError::field("last", "Use a duration such as 24h or 30d, up to 90d."))?;
    let usage = app.keys.usage(&by, key_id(&id)?, last).await?;
    Ok(Json(KeyUsageList { items: usage.into_iter().map(KeyUsageBody::from).collect() }))
}
