//! `GET /requests/{id}`: explains why a request was denied.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::denials::{CheckOutcome, DenialExplanation, is_request_id};
use keyrack_core::times::rfc3339;
use keyrack_core::{AuthorizedCaller, OpError};
use keyrack_key::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use crate::app::{App, Shared};

/// A denied request, with the checks of its key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeniedRequest)]
pub struct DeniedRequestBody {
    #[schema(value_type = crate::api::schema::RequestId)]
    request_id: String,
    /// The time of the request.
    #[schema(format = DateTime)]
    at: String,
    key: DeniedRequestKey,
    /// The `code` of the problem that the client received.
    #[schema(example = "network_not_allowed")]
    code: String,
    /// The name of the check that failed.
    #[schema(example = "IP address allowed")]
    failed_check: &'static str,
    /// The value that the request had.
    #[schema(example = "203.0.113.9")]
    actual: String,
    /// The values that the key allows now.
    #[schema(example = "10.4.0.0/16")]
    expected: String,
    /// A sentence that says how to allow such requests.
    suggestion: &'static str,
    /// The URL of the page that manages the key.
    manage_url: String,
    /// Whether the request would pass the failed check now. Null if the recorded facts don't determine that.
    passes_now: Option<bool>,
    /// The permission that the request needed.
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
    /// The IP address of the client.
    address: Option<String>,
    /// The `Origin` header of the request.
    origin: Option<String>,
    /// The `User-Agent` header of the request.
    user_agent: String,
    #[schema(example = "GET")]
    method: String,
    /// The path, with names of parameters in place of their values.
    #[schema(example = "/api/v1/projects/{id}")]
    route: String,
    /// All checks, in the order in which the server performs them.
    checks: Vec<RequestCheck>,
}

/// The key of a denied request.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeniedRequestKey {
    #[schema(value_type = crate::api::schema::KeyId)]
    id: String,
    name: String,
}

/// A check of a request, and its result.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestCheck {
    name: &'static str,
    #[schema(inline, value_type = crate::api::schema::CheckOutcome)]
    result: &'static str,
}

/// Explain a denied request
///
/// Returns which check denied a request with a key of this workspace. The server keeps the last 60 denied requests of each key
/// and hour, for as long as it keeps usage. Requests without a key, or with an unknown key, are counted and not kept.
#[utoipa::path(get, path = "/requests/{id}", tag = "Keys", operation_id = "explainDeniedRequest",
    params(("id" = crate::api::schema::RequestId, Path, description = "The request's ID: `request_id` in the problem, or the response header `X-Request-Id`.")),
    responses(
        (status = 200, description = "The denied request.", body = DeniedRequestBody),
        (status = 404, description = "No denied request with this ID is kept.")))]
pub async fn explain(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
) -> Result<Json<DeniedRequestBody>, ApiError> {
    if !is_request_id(&id) {
        return Err(OpError::NotFound("denied request").into());
    }
    let explained = app.denials.explain(&by, &id).await?;
    let manage_url = manage_url(&app, &by, &explained).await?;
    Ok(Json(DeniedRequestBody::new(explained, manage_url)))
}

async fn manage_url(
    app: &App,
    by: &AuthorizedCaller,
    explained: &DenialExplanation,
) -> Result<String, OpError> {
    let workspace = app.store.workspace(by.workspace).await?.ok_or(OpError::NotFound("workspace"))?;
    let base = format!("{}/w/{}/settings/api-keys", app.config.base_url(), workspace.slug);
    Ok(explained.location.path(&base, explained.key.id))
}

impl DeniedRequestBody {
    fn new(explained: DenialExplanation, manage_url: String) -> Self {
        let failed_check = explained.failed_check();
        let DenialExplanation { denied, key, checks: steps, actual, expected, advice, passes_now, .. } =
            explained;
        let checks =
            steps.iter().map(|step| RequestCheck { name: step.name, result: name(step.result) }).collect();
        Self {
            request_id: denied.request,
            at: rfc3339(denied.at),
            key: DeniedRequestKey { id: key.id.to_string(), name: key.name },
            code: denied.code,
            failed_check,
            actual,
            expected,
            suggestion: advice,
            manage_url,
            passes_now,
            permission: denied.permission.map(Permission::name),
            address: denied.address.map(|address| address.to_string()),
            origin: denied.origin,
            user_agent: denied.agent,
            method: denied.method,
            route: denied.route,
            checks,
        }
    }
}

const fn name(result: CheckOutcome) -> &'static str {
    match result {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed => "failed",
        CheckOutcome::NotReached => "not_reached",
    }
}
