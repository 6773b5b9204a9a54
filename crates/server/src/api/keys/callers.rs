//! `GET /keys/{id}/callers`: who calls with a key.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use keyrack_core::times::rfc3339;
use keyrack_key::{Permission, Timestamp};
use keyrack_store::{CallerCursor, CallerRow, CallerSource, KeyRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::key_id;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::piece::Piece;
use crate::app::Shared;

/// A page of callers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyCallerPage)]
pub struct CallerPage {
    items: Vec<CallerBody>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// Somebody who calls with a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyCaller)]
pub struct CallerBody {
    /// The address. Of a key that very many call with, those who came later are kept by their network (/24 or /64), and those
    /// after them together: then null, as where the address was not known.
    #[schema(example = "203.0.113.9")]
    network: Option<String>,
    /// Whether this is all those for whom there was no room.
    rest: bool,
    /// The page that calls; null where none does.
    #[schema(example = "https://shop.example")]
    origin: Option<String>,
    #[schema(example = "camera/3")]
    agent: String,
    /// The last four characters of the secret that they call with.
    #[schema(example = "9fQ2")]
    secret: String,
    /// `current`, `retiring`, or `ended`.
    #[schema(value_type = crate::api::schema::SecretState)]
    secret_state: &'static str,
    /// What was asked for last.
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
    /// Let through in the last 30 days, today among them (less, where the server remembers less).
    allowed: u64,
    /// Refused, likewise.
    refused: u64,
    /// The code of the last refusal, if there was one.
    #[schema(example = "rate_limited")]
    last_refusal: Option<String>,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
}

impl CallerBody {
    pub fn of(caller: &CallerRow, key: &KeyRow, now: Timestamp) -> Self {
        Self {
            network: match &caller.source {
                CallerSource::Address(address) => address.map(|address| address.to_string()),
                CallerSource::Network(network) => Some(network.to_string()),
                CallerSource::Others => None,
            },
            rest: caller.source == CallerSource::Others,
            origin: Some(caller.origin.clone()).filter(|origin| !origin.is_empty()),
            agent: caller.agent.clone(),
            secret: caller.hint.to_string(),
            secret_state: state(caller, key, now),
            permission: caller.permission.map(Permission::name),
            allowed: caller.allowed,
            refused: caller.refusals,
            last_refusal: caller.refused.clone(),
            first_seen: rfc3339(caller.first),
            last_seen: rfc3339(caller.last),
        }
    }
}

fn state(caller: &CallerRow, key: &KeyRow, now: Timestamp) -> &'static str {
    let secret = key.secrets.iter().find(|secret| secret.hint == caller.hint);
    match secret.map(|secret| secret.retires_at) {
        Some(None) if key.deletion.is_none() => "current",
        Some(Some(until)) if until > now && key.deletion.is_none() => "retiring",
        _ => "ended",
    }
}

/// Who calls with a key
///
/// The last to call first. Written down each second; at most 200 for each key, and all others together.
#[utoipa::path(get, path = "/keys/{id}/callers", tag = "Keys", operation_id = "listKeyCallers",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID"), Piece),
    responses(
        (status = 200, description = "A page of callers", body = CallerPage),
        (status = 404, description = "There is no such key"),
        (status = 422, description = "A parameter is not as expected; `details` names it")))]
pub async fn callers(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    Params(piece): Params<Piece>,
) -> Result<Json<CallerPage>, ApiError> {
    let (after, limit) = piece.parse::<CallerCursor>()?;
    let (key, page) = app.keys.callers(&by, key_id(&id)?, app.window(), after, limit).await?;
    let now = app.now();
    Ok(Json(CallerPage {
        items: page.items.iter().map(|caller| CallerBody::of(caller, &key, now)).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    }))
}
