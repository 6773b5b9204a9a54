//! `POST /verify`: verifies a key for services that don't use the guard crate.

mod facts;

use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use http::{HeaderValue, header};
use keyrack_guard::{Caller, Credential, KeyLocation};
use keyrack_key::{
    AccessRequest, Denial, ModelId, Permission, Presented, ProjectId, QuotaResource, QuotaState, RateStatus,
    RateUse, Scope, WorkspaceId,
};
use keyrack_rack::{DeniedCheck, Key, LastUse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::body::Body;
use super::keys::QuotaUsage;
use crate::app::{App, Shared};
use crate::http::session;
use facts::{Facts, Requester};
use keyrack_core::{Invalid, OpError};

/// A request for which to verify the key in `Authorization`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyKeyRequest {
    /// The slug or the ID of the workspace that the key must belong to.
    #[schema(example = "northfield-vision")]
    workspace: String,
    /// The permission that the request needs. Without it, every active key is valid.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<String>,
    /// The ID of the request's project. Without it, a key that is restricted to projects is denied. With `spend`, only a trusted
    /// service may send it.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::ProjectId>)]
    project: Option<String>,
    /// The ID of the request's model. Without it, a key that is restricted to models is denied. With `spend`, only a trusted
    /// service may send it.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::ModelId>)]
    model: Option<String>,
    /// The IP address of the client. If a trusted service leaves it out, the address is unknown: a key that is restricted to
    /// networks is denied, and all such requests count as one visitor. Other callers may only send the address of their own
    /// connection, which is also the default.
    #[serde(default)]
    #[schema(example = "10.4.0.17")]
    ip: Option<String>,
    /// The `Origin` header of the request. If a trusted service sends it, the request counts as sent by a page in a browser. If a
    /// trusted service leaves it out, a key that is restricted to origins is denied. Other callers may only send their own
    /// `Origin` header, which is also the default.
    #[serde(default)]
    origin: Option<String>,
    /// Whether the request counts against the key's rate limits, and, if `permission` is `models:predict`, against its quotas of
    /// predictions. The default is false: the response only tells what remains.
    #[serde(default)]
    spend: bool,
}

/// A valid key, and what remains of its limits.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyVerification {
    /// Always true. The response for an invalid key is a problem.
    valid: bool,
    key: VerifiedKey,
    /// The workspace's ID.
    #[schema(value_type = crate::api::schema::WorkspaceId)]
    workspace: String,
    limits: KeyLimitsBody,
}

/// What remains of a key's limits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyLimits)]
pub struct KeyLimitsBody {
    /// The state of the key's rate limit. Missing if the key has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<RateLimitState>,
    /// The state of this visitor's rate limit. Missing if the key has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_rate: Option<RateLimitState>,
    /// The usage of the key's quotas of predictions. Missing if the key has none, or if `permission` isn't `models:predict`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quotas: Vec<QuotaUsage>,
    /// The maximum size of an image for a prediction, in bytes. Missing if the key has none. The caller must compare
    /// the size of its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_image_bytes: Option<u32>,
}

/// The state of a rate limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitState {
    /// The burst size: the number of requests that the limit allows at the same time.
    #[schema(example = 100)]
    requests: u32,
    /// The time in which the limit refills, in seconds.
    #[schema(example = 60)]
    seconds: u32,
    /// The number of requests that the limit allows now.
    #[schema(example = 87)]
    remaining: u32,
    /// The time until the limit is full again, in seconds.
    #[schema(example = 8)]
    full_in_seconds: u32,
}

impl From<RateStatus> for RateLimitState {
    fn from(RateStatus { rate, remaining, full_in_seconds: full_in }: RateStatus) -> Self {
        Self { requests: rate.requests(), seconds: rate.seconds(), remaining, full_in_seconds: full_in }
    }
}

/// The verified key.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerifiedKey {
    #[schema(value_type = crate::api::schema::KeyId)]
    id: String,
    name: String,
    #[schema(value_type = crate::api::schema::KeyClass)]
    class: &'static str,
    #[schema(value_type = Vec<crate::api::schema::ScopeName>)]
    scopes: Vec<&'static str>,
}

/// The parsed fields of a [`VerifyKeyRequest`].
struct StatedFacts {
    permission: Option<Permission>,
    project: Option<ProjectId>,
    model: Option<ModelId>,
    address: Option<IpAddr>,
    origin: Option<String>,
}

impl VerifyKeyRequest {
    fn parse(&self) -> Result<StatedFacts, Invalid> {
        let mut invalid = Invalid::default();
        let stated = StatedFacts {
            permission: self.permission.as_ref().and_then(|text| invalid.take("permission", text.parse())),
            project: self.project.as_ref().and_then(|text| invalid.take("project", text.parse())),
            model: self.model.as_ref().and_then(|text| invalid.take("model", text.parse())),
            address: self.ip.as_ref().and_then(|text| invalid.take("ip", text.parse())),
            origin: self.origin.clone(),
        };
        if invalid.fields().next().is_none() { Ok(stated) } else { Err(invalid) }
    }
}

/// Verify a key
///
/// Verifies the key in `Authorization: Bearer` from memory. A key of another workspace is unknown. A restricted key is denied if
/// the request leaves out the fact that the restriction depends on. With `spend`, a valid key uses one request of its rate limits,
/// which each node counts on its own. If `permission` is `models:predict`, the key also uses one prediction of its quotas. The
/// server doesn't give back what was used, because it doesn't learn whether the work succeeds.
///
/// A *trusted service* also sends a key of its own in `X-Keyrack-Service-Key`, with the scope Node and of the same workspace. It
/// may state all facts about its client's request. The server checks, counts, and records them for that client. Other callers may
/// send `workspace` and `permission`, and without `spend` also `project` and `model`. Their `ip` and `origin` are those of their
/// own request. Other values are denied with 403 `untrusted_facts`, and use nothing.
#[utoipa::path(post, path = "/verify", tag = "Verification", operation_id = "verifyKey", request_body = VerifyKeyRequest,
    params(
        ("X-Keyrack-Service-Key" = Option<String>, Header, description = "A key of the same workspace with the scope Node. It makes the caller a trusted service.")),
    responses(
        (status = 200, description = "The key is valid.", body = KeyVerification),
        (status = 401, description = "The key is missing, unknown, paused, expired, or deleted."),
        (status = 403, description = "The key doesn't have the permission, or is restricted. Or the request states facts that only a trusted service may state (`untrusted_facts`). Or the key in `X-Keyrack-Service-Key` doesn't make the caller a trusted service (`service_key_denied`)."),
        (status = 429, description = "A rate limit or a quota of predictions is exceeded. Retry after `Retry-After` seconds."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn verify(
    State(app): State<Shared>,
    _: WellFormedKey,
    parts: Parts,
    Body(body): Body<VerifyKeyRequest>,
) -> Result<Json<KeyVerification>, ApiError> {
    let stated = body.parse()?;
    let workspace = app.workspaces.id_of(&body.workspace).await?;
    let requester = Requester::of(&app, &parts, workspace)?;
    let facts = Facts::of(requester, &app, &parts, &stated);
    let denied = |check: &DeniedCheck| app.deny_about(check, Some(facts.saw(&stated)));
    let caller = check(&app, &parts, &stated, &facts, workspace).map_err(|check| denied(&check))?;
    if requester == Requester::Holder {
        facts.require_own(&stated, body.spend, caller.key().key)?;
    }
    covers(caller.key(), stated.project, stated.model)?;
    // Spending comes last, so that a request that is denied for another reason uses nothing.
    let caller = if body.spend {
        caller.spend((app.clock)(), facts.address).map_err(|check| denied(&check))?
    } else {
        caller
    };
    let quotas = prediction_quotas(&app, &caller, &stated, body.spend).await?;
    let key = caller.key();
    app.metrics.allowed();
    let used = LastUse::new(app.now(), facts.address, stated.permission, user_agent(&parts));
    app.rack.record_use(&caller, used);
    Ok(Json(KeyVerification {
        valid: true,
        key: VerifiedKey {
            id: key.key.to_string(),
            name: key.name.to_string(),
            class: key.class.name(),
            scopes: key.scopes.iter().map(Scope::name).collect(),
        },
        workspace: key.workspace.to_string(),
        limits: KeyLimitsBody {
            rate: caller.rate_status().map(RateLimitState::from),
            visitor_rate: caller.visitor_rate_status().map(RateLimitState::from),
            quotas: quotas.into_iter().map(QuotaUsage::from).collect(),
            max_image_bytes: key.max_image_bytes().map(NonZeroU32::get),
        },
    }))
}

/// Returns the usage of the key's quotas of predictions if the request needs that permission. Errors if no prediction remains.
/// With `spend`, takes one prediction first. Other permissions allow many kinds of work, whose operations count their quotas.
async fn prediction_quotas(
    app: &App,
    caller: &Caller,
    stated: &StatedFacts,
    spend: bool,
) -> Result<Vec<QuotaState>, OpError> {
    match stated.permission {
        Some(Permission::ModelsPredict) if spend => {
            Ok(app.quotas.spend_for(caller, QuotaResource::Predictions).await?.states().collect())
        }
        Some(Permission::ModelsPredict) => app.quotas.check_left(caller, QuotaResource::Predictions).await,
        _ => Ok(Vec::new()),
    }
}

/// Proves that the request has exactly one well-formed key, and no cookie. Runs before the body is read, so that a client without
/// a key can't find out which workspaces exist.
pub struct WellFormedKey;

impl FromRequestParts<Shared> for WellFormedKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, ApiError> {
        let is_key = credential(app, parts).and_then(|credential| {
            Presented::parse(credential.text(), &app.config.brands)?;
            Ok(())
        });
        is_key.map_err(|denial| app.deny(&denial.into()))?;
        match session::token(&parts.headers, app) {
            Some(_) => Err(OpError::KeyAndCookie.into()),
            None => Ok(Self),
        }
    }
}

fn credential<'a>(app: &App, parts: &'a Parts) -> Result<Credential<'a>, Denial> {
    let credential = app.guard.find(parts)?.ok_or(Denial::Missing)?;
    if credential.location() == KeyLocation::Query { Err(Denial::InQuery) } else { Ok(credential) }
}

fn check(
    app: &App,
    parts: &Parts,
    stated: &StatedFacts,
    facts: &Facts<'_>,
    workspace: Option<WorkspaceId>,
) -> Result<Caller, DeniedCheck> {
    let credential = credential(app, parts)?;
    let presented = Presented::parse(credential.text(), &app.config.brands).map_err(Denial::from)?;
    let &Facts { address, origin, exposure } = facts;
    let (now, permission, spend) = (app.now(), stated.permission, RateUse::Peek);
    let question = AccessRequest { now, permission, address, origin, exposure, spend };
    // A key of another workspace, or an unknown workspace, is denied like an unknown key.
    let decided = app.rack.check_in(Some(workspace.ok_or(Denial::Unknown)?), &presented, &question);
    app.guard.record_call(&presented, &question, &decided, user_agent(parts));
    decided
}

/// Errors if the key is restricted to other projects or models. `None` means any project or model, so a restricted key is
/// denied. The function doesn't check that the model belongs to the project.
pub(super) fn covers(key: &Key, project: Option<ProjectId>, model: Option<ModelId>) -> Result<(), OpError> {
    let Some(own) = &key.restrictions else { return Ok(()) };
    if !project.map_or(own.projects.is_any(), |one| own.cover_project(one)) {
        return Err(OpError::OutsideKey { key: key.key, workspace: key.workspace });
    }
    if !model.map_or(own.models.is_any(), |one| own.models.covers(&one)) {
        return Err(OpError::OutsideModels { key: key.key, workspace: key.workspace });
    }
    Ok(())
}

fn user_agent(parts: &Parts) -> &[u8] {
    parts.headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes)
}
