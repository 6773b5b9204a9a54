//! `POST /keys/{id}/what-if`: what a change would have refused.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::keys::Patch;
use keyrack_core::keys::what_if::WhatIf;
use keyrack_core::times;
use keyrack_core::{Acting, Invalid, OpError};
use keyrack_key::{KeyId, Permission};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::callers::CallerBody;
use super::{RestrictionsFields, key_id, parse_scopes};
use crate::api::ApiError;
use crate::api::body::{Body, object_if_any};
use crate::app::{App, Shared};

/// The change in question; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KeyChangeRequest {
    #[schema(value_type = Option<Vec<crate::api::schema::ScopeName>>, min_items = 1, example = json!(["inference"]))]
    scopes: Option<Vec<String>>,
    /// In place of all restrictions.
    #[serde(deserialize_with = "object_if_any")]
    restrictions: Option<RestrictionsFields>,
    /// Null: never. It lies ahead, so it would have refused nothing yet.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
}

fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(field).map(Some)
}

/// What the change would have done, by what was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyChangePreview {
    /// The days that were looked at, today among them.
    #[schema(example = 30)]
    days: u32,
    /// Calls that were let through in that time.
    #[schema(example = 41_203)]
    calls: u64,
    /// Those that would have been refused.
    #[schema(example = 0)]
    refused: u64,
    /// Those of which it cannot be known, because it was not recorded precisely enough where they came from.
    unknown: u64,
    /// With a lower rate: at least so many came too fast for it. Calls are counted by the hour. Null without one.
    too_fast: Option<u64>,
    /// Restrictions of which nothing is recorded, so that it cannot be known what they would have refused.
    #[schema(example = json!(["projects"]))]
    cannot_be_known: Vec<String>,
    /// Permissions that the key would newly have.
    #[schema(value_type = Vec<crate::api::schema::PermissionName>, example = json!([]))]
    newly_permits: Vec<&'static str>,
    /// Restrictions that would let more through than now.
    widens: Vec<&'static str>,
    /// Whose calls they were, those with the most first; at most 50.
    callers: Vec<AffectedCaller>,
}

/// A caller whom the change would hit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedCaller {
    caller: CallerBody,
    /// Calls of theirs that would have been refused.
    would_be_refused: u64,
    /// Calls of theirs of which it cannot be known.
    unknown: u64,
}

const MOST: usize = 50;

impl KeyChangeRequest {
    fn parse(self) -> Result<Patch, Invalid> {
        let mut invalid = Invalid::default();
        let patch = Patch {
            scopes: self.scopes.map(|names| parse_scopes(&names, &mut invalid)),
            restrictions: self.restrictions.map(|fields| fields.parse(&mut invalid)),
            expires_at: self
                .expires_at
                .map(|at| at.and_then(|text| invalid.take("expiresAt", times::parse(&text)))),
            ..Patch::default()
        };
        if invalid.fields().next().is_none() { Ok(patch) } else { Err(invalid) }
    }
}

/// Ask what a change would have refused
///
/// Nothing is changed. Calls of the last 30 days (less, where the server remembers less) are judged by the key as it would
/// be: scopes exactly, networks and origins by who called, a rate by the hour.
#[utoipa::path(post, path = "/keys/{id}/what-if", tag = "Keys", operation_id = "previewKeyChange", request_body = KeyChangeRequest,
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID")),
    responses(
        (status = 200, description = "What it would have refused", body = KeyChangePreview),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key was deleted"),
        (status = 422, description = "A field is not as expected; `details` names it")))]
pub async fn ask(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    Body(question): Body<KeyChangeRequest>,
) -> Result<Json<KeyChangePreview>, ApiError> {
    let id = key_id(&id)?;
    let what = app.keys.what_if(&by, id, question.parse()?, app.window()).await?;
    Ok(Json(verdict(&app, &by, id, what).await?))
}

async fn verdict(app: &App, by: &Acting, id: KeyId, what: WhatIf) -> Result<KeyChangePreview, OpError> {
    let (key, now) = (app.keys.read(by, id).await?, app.now());
    let callers = what.callers.iter().take(MOST).map(|one| AffectedCaller {
        caller: CallerBody::of(&one.caller, &key, now),
        would_be_refused: one.refused,
        unknown: one.unknown,
    });
    Ok(KeyChangePreview {
        days: what.days,
        calls: what.calls,
        refused: what.refused,
        unknown: what.unknown,
        too_fast: what.too_fast,
        callers: callers.collect(),
        cannot_be_known: what.unrecorded,
        newly_permits: what.permits.iter().map(Permission::name).collect(),
        widens: what.widens,
    })
}
