//! `POST /keys/{id}/what-if`: previews the effect of a change of a key on its recorded requests.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::keys::KeyPatch;
use keyrack_core::keys::preview::ChangePreview;
use keyrack_core::times;
use keyrack_core::{AuthorizedCaller, Invalid, OpError};
use keyrack_key::{KeyId, Permission};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::callers::KeyCaller;
use super::{KeyRestrictions, key_id, parse_scopes};
use crate::api::ApiError;
use crate::api::body::{Body, nullable, object_if_any};
use crate::app::{App, Shared};

/// A change to preview. Fields that are left out don't change.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KeyChangeRequest {
    #[schema(value_type = Option<Vec<crate::api::schema::ScopeName>>, min_items = 1, example = json!(["inference"]))]
    scopes: Option<Vec<String>>,
    /// Replaces all restrictions.
    #[serde(deserialize_with = "object_if_any")]
    restrictions: Option<KeyRestrictions>,
    /// When the key expires. Null means never. An expiration in the future has no effect on recorded requests.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
}

/// The effect that a change would have had on recorded requests.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyChangePreview {
    /// The number of examined days, including today.
    #[schema(example = 30)]
    days: u32,
    /// The number of allowed requests in these days.
    #[schema(example = 41_203)]
    requests: u64,
    /// The number of these requests that the change would have denied.
    #[schema(example = 0)]
    denied: u64,
    /// The number of these requests for which the result isn't known, because only the network of their caller was recorded.
    unknown: u64,
    /// The minimum number of these requests that a lower rate limit would have denied. Null if the rate limit isn't lower. Usage
    /// is recorded by the hour, so more requests may have exceeded the limit.
    rate_limited: Option<u64>,
    /// Changed restrictions whose effect isn't known, because the server doesn't record what they depend on.
    #[schema(example = json!(["projects"]))]
    unrecorded_restrictions: Vec<String>,
    /// Permissions that the change adds.
    #[schema(value_type = Vec<crate::api::schema::PermissionName>, example = json!([]))]
    added_permissions: Vec<&'static str>,
    /// Restrictions that would allow more than now.
    relaxed_restrictions: Vec<&'static str>,
    /// Callers with denied or unknown requests, up to 50. The caller with the most such requests comes first.
    callers: Vec<AffectedCaller>,
}

/// A caller that the change would affect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedCaller {
    caller: KeyCaller,
    /// The number of requests of this caller that the change would have denied.
    denied: u64,
    /// The number of requests of this caller for which the result isn't known.
    unknown: u64,
}

const CALLERS_MAX: usize = 50;

impl KeyChangeRequest {
    fn parse(self) -> Result<KeyPatch, Invalid> {
        let mut invalid = Invalid::default();
        let patch = KeyPatch {
            scopes: self.scopes.map(|names| parse_scopes(&names, &mut invalid)),
            restrictions: self.restrictions.map(|fields| fields.parse(&mut invalid)),
            expires_at: self
                .expires_at
                .map(|at| at.and_then(|text| invalid.take("expiresAt", times::parse(&text)))),
            ..KeyPatch::default()
        };
        if invalid.fields().next().is_none() { Ok(patch) } else { Err(invalid) }
    }
}

/// Preview a change of a key
///
/// Computes which recorded requests the change would have denied, and changes nothing. The preview covers the last 30 days, or
/// less if the server keeps usage for less time. Scopes are exact. Networks and origins depend on the recorded callers, and rate
/// limits on the usage by hour.
#[utoipa::path(post, path = "/keys/{id}/what-if", tag = "Keys", operation_id = "previewKeyChange", request_body = KeyChangeRequest,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID.")),
    responses(
        (status = 200, description = "The preview.", body = KeyChangePreview),
        (status = 404, description = "The key doesn't exist."),
        (status = 409, description = "The key was deleted."),
        (status = 422, description = "A field is invalid. `details` names it.")))]
pub async fn preview(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Path(id): Path<String>,
    Body(change): Body<KeyChangeRequest>,
) -> Result<Json<KeyChangePreview>, ApiError> {
    let id = key_id(&id)?;
    let effect = app.keys.what_if(&by, id, change.parse()?, app.window()).await?;
    Ok(Json(key_change_preview(&app, &by, id, effect).await?))
}

async fn key_change_preview(
    app: &App,
    by: &AuthorizedCaller,
    id: KeyId,
    effect: ChangePreview,
) -> Result<KeyChangePreview, OpError> {
    let (key, now) = (app.keys.read(by, id).await?, app.now());
    let callers = effect.callers.iter().take(CALLERS_MAX).map(|one| AffectedCaller {
        caller: KeyCaller::new(&one.caller, &key, now),
        denied: one.denied,
        unknown: one.unknown,
    });
    Ok(KeyChangePreview {
        days: effect.days,
        requests: effect.calls,
        denied: effect.denied,
        unknown: effect.unknown,
        rate_limited: effect.above_rate,
        callers: callers.collect(),
        unrecorded_restrictions: effect.unrecorded,
        added_permissions: effect.added_permissions.iter().map(Permission::name).collect(),
        relaxed_restrictions: effect.loosened_restrictions,
    })
}
