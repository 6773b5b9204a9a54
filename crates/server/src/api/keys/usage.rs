//! `GET /keys/{id}/usage`: what a key was used for.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use keyrack_core::times::{rfc3339, span};
use keyrack_key::Permission;
use keyrack_store::Usage;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::key_id;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::app::Shared;

const MOST: Duration = Duration::from_hours(90 * 24);

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct UsageQuery {
    /// A span such as `24h` or `30d`, up to `90d`; the hour in which it begins is told as well.
    #[param(value_type = Option<crate::api::schema::Span>)]
    last: String,
}

impl Default for UsageQuery {
    fn default() -> Self {
        Self { last: "30d".to_owned() }
    }
}

/// What a key was used for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyUsageList)]
pub struct UsageList {
    /// The oldest hour first; hours without a check are left out.
    items: Vec<UsageBody>,
}

/// How often checks of the key ended in one way, within an hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyUsage)]
pub struct UsageBody {
    /// When the hour began.
    #[schema(format = DateTime)]
    hour: String,
    /// What was asked for; null where the question was only whether the key is alive.
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
    /// `allowed`, or the code of the refusal.
    #[schema(example = "allowed")]
    outcome: String,
    checks: u64,
}

impl From<Usage> for UsageBody {
    fn from(Usage { hour, permission, outcome, checks }: Usage) -> Self {
        Self { hour: rfc3339(hour), permission: permission.map(Permission::name), outcome, checks }
    }
}

/// What a key was used for
///
/// Checks by hour, permission and outcome. Written down each second, so the last moment may be missing.
#[utoipa::path(get, path = "/keys/{id}/usage", tag = "Keys", operation_id = "getKeyUsage",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID"), UsageQuery),
    responses(
        (status = 200, description = "The checks", body = UsageList),
        (status = 404, description = "There is no such key"),
        (status = 422, description = "A parameter is not as expected; `details` names it")))]
pub async fn usage(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    Params(query): Params<UsageQuery>,
) -> Result<Json<UsageList>, ApiError> {
    let last = span(&query.last).ok().filter(|last| *last <= MOST);
    let last =
        last.ok_or_else(|| ApiError::field("last", "expected a span such as 24h or 30d, at most 90d"))?;
    let usage = app.keys.usage(&by, key_id(&id)?, last).await?;
    Ok(Json(UsageList { items: usage.into_iter().map(UsageBody::from).collect() }))
}
