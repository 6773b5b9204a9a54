//! `GET /requests/{id}`: why a request was refused.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::refusals::{CheckResult, Explained, is_request_id};
use keyrack_core::times::rfc3339;
use keyrack_core::{Acting, OpError};
use keyrack_key::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use crate::app::{App, Shared};

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeniedRequest)]
pub struct RefusedBody {
    #[schema(value_type = crate::api::schema::RequestId)]
    request_id: String,
    #[schema(format = DateTime)]
    at: String,
    key: RefusedKey,
    /// The code of the refusal, as the answer had it.
    #[schema(example = "network_not_allowed")]
    code: String,
    /// The check that failed.
    #[schema(example = "The network is allowed")]
    check: &'static str,
    /// What it saw.
    #[schema(example = "203.0.113.9")]
    saw: String,
    /// What it wants, by the key as it is now.
    #[schema(example = "10.4.0.0/16")]
    expected: String,
    /// What to do about it.
    advice: &'static str,
    /// The page where it is changed.
    change_at: String,
    /// Whether the key as it is now would pass that check; null where that cannot be told from what is kept.
    passes_now: Option<bool>,
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
    address: Option<String>,
    origin: Option<String>,
    agent: String,
    #[schema(example = "GET")]
    method: String,
    /// With the names of its parameters in place of what they were.
    #[schema(example = "/api/v1/projects/{id}")]
    route: String,
    /// All checks, in their order.
    checks: Vec<CheckBody>,
}

/// The key that the request was made with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeniedRequestKey)]
pub struct RefusedKey {
    #[schema(value_type = crate::api::schema::KeyId)]
    id: String,
    name: String,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestCheck)]
pub struct CheckBody {
    name: &'static str,
    #[schema(inline, value_type = crate::api::schema::CheckResult)]
    result: &'static str,
}

/// Why a request was refused
///
/// By the id that its answer named, for requests with a key of this workspace. The last 60 of each key and hour are kept, for
/// as long as use is remembered; of requests without a key, or with one that nobody knows, nothing is kept but their number.
#[utoipa::path(get, path = "/requests/{id}", tag = "Keys", operation_id = "explainDeniedRequest",
    params(("id" = crate::api::schema::RequestId, Path, description = "The request's ID: `request_id` in the answer, and its header X-Request-Id")),
    responses(
        (status = 200, description = "Why", body = RefusedBody),
        (status = 404, description = "No such refused request is kept here")))]
pub async fn explain(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
) -> Result<Json<RefusedBody>, ApiError> {
    if !is_request_id(&id) {
        return Err(OpError::NotFound("refused request here").into());
    }
    let explained = app.refusals.explain(&by, &id).await?;
    let change_at = change_at(&app, &by, &explained).await?;
    Ok(Json(RefusedBody::of(explained, change_at)))
}

async fn change_at(app: &App, by: &Acting, explained: &Explained) -> Result<String, OpError> {
    let workspace = app.store.workspace(by.workspace).await?.ok_or(OpError::NotFound("workspace"))?;
    let base = format!("{}/w/{}/settings/api-keys", app.config.base_url(), workspace.slug);
    Ok(explained.place.below(&base, explained.key.id))
}

impl RefusedBody {
    fn of(explained: Explained, change_at: String) -> Self {
        let check = explained.failed();
        let Explained { refused, key, steps, saw, expected, advice, passes_now, .. } = explained;
        let checks =
            steps.iter().map(|step| CheckBody { name: step.name, result: word(step.result) }).collect();
        Self {
            request_id: refused.request,
            at: rfc3339(refused.at),
            key: RefusedKey { id: key.id.to_string(), name: key.name },
            code: refused.refused,
            check,
            saw,
            expected,
            advice,
            change_at,
            passes_now,
            permission: refused.permission.map(Permission::name),
            address: refused.address.map(|address| address.to_string()),
            origin: refused.origin,
            agent: refused.agent,
            method: refused.method,
            route: refused.route,
            checks,
        }
    }
}

const fn word(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Passed => "passed",
        CheckResult::Failed => "failed",
        CheckResult::NotReached => "not_reached",
    }
}
