//! `POST /verify`: whether a key would be let through, for services that do not wear the guard.

mod facts;

use std::net::IpAddr;
use std::num::NonZeroU32;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use http::{HeaderValue, header};
use keyrack_core::{Invalid, OpError};
use keyrack_guard::{Caller, Credential, Place};
use keyrack_key::{
    Allowance, Counted, Denial, ModelId, Permission, Presented, ProjectId, Question, Scope, Spend, Standing,
    WorkspaceId,
};
use keyrack_rack::{Key, LastUse, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::body::Body;
use super::keys::QuotaStanding;
use crate::app::{App, Shared};
use crate::edge::session;
use facts::{Asker, Facts};

/// What is asked about the key in `Authorization`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VerifyKeyRequest)]
pub struct Query {
    /// The workspace that the key has to belong to, by address or id.
    #[schema(example = "northfield-vision")]
    workspace: String,
    /// What the request needs; left out: only whether the key is alive.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<String>,
    /// The project that the request is about. Left out, a key that is restricted to projects is denied. With `spend` only a
    /// trusted service states it.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::ProjectId>)]
    project: Option<String>,
    /// The model that the request is about. Left out, a key that is restricted to models is denied. With `spend` only a
    /// trusted service states it.
    #[serde(default)]
    #[schema(value_type = Option<crate::api::schema::ModelId>)]
    model: Option<String>,
    /// The address of the client. Only a trusted service states another client's address; left out by one, the address is
    /// unknown: a key that is restricted to networks is denied, and per-visitor rates count all such questions as one
    /// visitor's. Anybody else states the address of its own connection or leaves it out, and that address counts.
    #[serde(default)]
    #[schema(example = "10.4.0.17")]
    ip: Option<String>,
    /// The `Origin` of the request. Only a trusted service states that of another client; with one, the key counts as used
    /// by a page in a browser, and left out, a key that is restricted to origins is denied. Anybody else states the `Origin`
    /// header of its own request or leaves it out, and that header counts.
    #[serde(default)]
    origin: Option<String>,
    /// Whether this counts as a request: takes one from the key's rates, and one prediction from its quotas where `permission`
    /// is `models:predict`. Left out: it takes nothing, and only tells whether there is one left.
    #[serde(default)]
    spend: bool,
}

/// The key is let through.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyVerification)]
pub struct Verified {
    /// Always true: what is not let through is answered by a problem.
    valid: bool,
    key: VerifiedKey,
    /// The workspace's id.
    #[schema(value_type = crate::api::schema::WorkspaceId)]
    workspace: String,
    limits: Limits,
}

/// What the key has left.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyLimits)]
pub struct Limits {
    /// Left out where the key has no rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<RateLeft>,
    /// Of this visitor. Left out where the key has no rate per visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_rate: Option<RateLeft>,
    /// Those of predictions, where the question was about predictions. Left out where the key has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quotas: Vec<QuotaStanding>,
    /// The largest image that it may send to be predicted, in bytes. Left out where any will do. Nothing is known here of the
    /// image that the request is about: whoever asks compares.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_image_bytes: Option<u32>,
}

/// What is left of a rate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RateLimitState)]
pub struct RateLeft {
    /// How many come through at once.
    #[schema(example = 100)]
    requests: u32,
    /// The seconds in which all of them come back.
    #[schema(example = 60)]
    seconds: u32,
    /// How many are left now.
    #[schema(example = 87)]
    remaining: u32,
    /// The seconds until all of them are back.
    #[schema(example = 8)]
    full_in: u32,
}

impl From<Allowance> for RateLeft {
    fn from(Allowance { rate, remaining, full_in }: Allowance) -> Self {
        Self { requests: rate.requests(), seconds: rate.seconds(), remaining, full_in }
    }
}

/// Which key it is.
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

struct Asked {
    permission: Option<Permission>,
    project: Option<ProjectId>,
    model: Option<ModelId>,
    address: Option<IpAddr>,
    origin: Option<String>,
}

impl Query {
    fn parse(&self) -> Result<Asked, Invalid> {
        let mut invalid = Invalid::default();
        let asked = Asked {
            permission: self.permission.as_ref().and_then(|text| invalid.take("permission", text.parse())),
            project: self.project.as_ref().and_then(|text| invalid.take("project", text.parse())),
            model: self.model.as_ref().and_then(|text| invalid.take("model", text.parse())),
            address: self.ip.as_ref().and_then(|text| invalid.take("ip", text.parse())),
            origin: self.origin.clone(),
        };
        if invalid.fields().next().is_none() { Ok(asked) } else { Err(invalid) }
    }
}

/// Ask about a key
///
/// The key in question stands in `Authorization: Bearer`. The answer comes from memory. A key of another workspace
/// is unknown; what a key is restricted by and the question leaves out counts as not allowed. With `spend`, a key that is let
/// through has one request less left, on the node that was asked; and one prediction less of its day and month, if it has
/// quotas of them and `permission` is `models:predict`. What is spent is not given back: the work is done elsewhere.
///
/// A *trusted service* sends a key of its own beside it, in `X-Keyrack-Service-Key`: one of the same workspace with the scope
/// Node. It may state all facts about its client's request, which are checked, metered, and recorded as that client's. A caller
/// without such a key may state `workspace` and `permission`, and without `spend` also `project` and `model`. Its `ip` and
/// `origin` are those of its own request: others are denied with 403 `untrusted_facts`, and nothing is looked up or spent.
#[utoipa::path(post, path = "/verify", tag = "Verification", operation_id = "verifyKey", request_body = Query,
    params(
        ("X-Keyrack-Service-Key" = Option<String>, Header, description = "A key of the same workspace with the scope Node. It makes the caller a trusted service.")),
    responses(
        (status = 200, description = "The key is let through", body = Verified),
        (status = 401, description = "No such key, or it was deleted, is paused or has expired"),
        (status = 403, description = "The key does not allow that; or the question states facts that only a trusted service may (`untrusted_facts`); or the key in `X-Keyrack-Service-Key` is none of a trusted service (`service_key_denied`)"),
        (status = 429, description = "The key was used too often lately, or has made all predictions of its day or month; `Retry-After` says when to try again"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn verify(
    State(app): State<Shared>,
    _: InQuestion,
    parts: Parts,
    Body(query): Body<Query>,
) -> Result<Json<Verified>, ApiError> {
    let asked = query.parse()?;
    let workspace = app.workspaces.id_of(&query.workspace).await?;
    let by = Asker::of(&app, &parts, workspace)?;
    let facts = Facts::of(by, &app, &parts, &asked);
    let refused = |refusal: &Refusal| app.refused_asking(refusal, Some(facts.saw(&asked)));
    let caller = check(&app, &parts, &asked, &facts, workspace).map_err(|refusal| refused(&refusal))?;
    if by == Asker::Holder {
        facts.demand_own(&asked, query.spend, caller.key().key)?;
    }
    covers(caller.key(), asked.project, asked.model)?;
    // Only now: what is refused for another reason takes nothing.
    let caller = if query.spend {
        caller.spend((app.clock)(), facts.address).map_err(|refusal| refused(&refusal))?
    } else {
        caller
    };
    let standings = standings(&app, &caller, &asked, query.spend).await?;
    let key = caller.key();
    app.metrics.allowed();
    let used = LastUse::new(app.now(), facts.address, asked.permission, agent(&parts));
    app.rack.note_use(&caller, used);
    Ok(Json(Verified {
        valid: true,
        key: VerifiedKey {
            id: key.key.to_string(),
            name: key.name.to_string(),
            class: key.class.name(),
            scopes: key.scopes.iter().map(Scope::name).collect(),
        },
        workspace: key.workspace.to_string(),
        limits: Limits {
            rate: caller.allowance().map(RateLeft::from),
            visitor_rate: caller.visitor_allowance().map(RateLeft::from),
            quotas: standings.into_iter().map(QuotaStanding::from).collect(),
            max_image_bytes: key.max_image_bytes().map(NonZeroU32::get),
        },
    }))
}

/// How the key stands with its predictions, of which there has to be one. Whoever asks for other permissions than that may
/// want anything that they hold, and is counted where it is done.
async fn standings(app: &App, caller: &Caller, asked: &Asked, spend: bool) -> Result<Vec<Standing>, OpError> {
    match asked.permission {
        Some(Permission::ModelsPredict) if spend => {
            Ok(app.quotas.take_of(caller, Counted::Predictions).await?.standings().collect())
        }
        Some(Permission::ModelsPredict) => app.quotas.look(caller, Counted::Predictions).await,
        _ => Ok(Vec::new()),
    }
}

/// That the request carries one key of the right form, and no cookie. Whoever has none learns nothing here,
/// not even which workspaces there are.
pub struct InQuestion;

impl FromRequestParts<Shared> for InQuestion {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, ApiError> {
        let is_key = credential(app, parts).and_then(|credential| {
            Presented::parse(credential.text(), &app.config.brands)?;
            Ok(())
        });
        is_key.map_err(|denial| app.refused(&denial.into()))?;
        match session::token(&parts.headers, app) {
            Some(_) => Err(OpError::KeyAndCookie.into()),
            None => Ok(Self),
        }
    }
}

fn credential<'a>(app: &App, parts: &'a Parts) -> Result<Credential<'a>, Denial> {
    let credential = app.guard.find(parts)?.ok_or(Denial::Missing)?;
    if credential.place() == Place::Query { Err(Denial::InQuery) } else { Ok(credential) }
}

fn check(
    app: &App,
    parts: &Parts,
    asked: &Asked,
    facts: &Facts<'_>,
    workspace: Option<WorkspaceId>,
) -> Result<Caller, Refusal> {
    let credential = credential(app, parts)?;
    let presented = Presented::parse(credential.text(), &app.config.brands).map_err(Denial::from)?;
    let &Facts { address, origin, exposure } = facts;
    let (now, permission, spend) = (app.now(), asked.permission, Spend::Nothing);
    let question = Question { now, permission, address, origin, exposure, spend };
    // Of a key of another workspace nothing is said, not even that it is there; nor of a workspace that is none of its own.
    let decided = app.rack.check_in(Some(workspace.ok_or(Denial::Unknown)?), &presented, &question);
    app.guard.note_call(&presented, &question, &decided, agent(parts));
    decided
}

/// A question about no project or model in particular could be about any. Whether the model is one of the project is known
/// to whoever asks.
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

fn agent(parts: &Parts) -> &[u8] {
    parts.headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes)
}
