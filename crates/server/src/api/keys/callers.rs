//! `GET /keys/{id}/callers`: lists the clients that use a key.

use axum::extract::{Path, State};
use axum::response::Response;
use keyrack_core::AuthorizedCaller;
use keyrack_core::times::rfc3339;
use keyrack_key::{Permission, Timestamp};
use keyrack_store::{CallerCursor, CallerRow, CallerSource, KeyRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::key_id;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::api::page_query::PageQuery;
use crate::app::Shared;

/// A client that uses a key: requests with the same secret from the same address, origin, and user agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyCaller {
    /// The IP address of the client. If a key has very many callers, the network (/24 or /64) of further callers. Null if the
    /// address isn't known, or if `overflow` is true.
    #[schema(example = "203.0.113.9")]
    network: Option<String>,
    /// Whether this entry combines all callers beyond the limit of recorded callers.
    overflow: bool,
    /// The origin of the page that sent the requests. Null if no page did.
    #[schema(example = "https://shop.example")]
    origin: Option<String>,
    /// The `User-Agent` header of the requests.
    #[schema(example = "camera/3")]
    user_agent: String,
    /// The last four characters of the secret.
    #[schema(example = "9fQ2")]
    secret_hint: String,
    /// `current`, `retiring`, or `ended`.
    #[schema(value_type = crate::api::schema::SecretState)]
    secret_state: &'static str,
    /// The permission that the last request needed.
    #[schema(value_type = Option<crate::api::schema::PermissionName>)]
    permission: Option<&'static str>,
    /// The number of allowed requests in the last 30 days, or less if the server keeps usage for less time.
    allowed: u64,
    /// The number of denied requests in the same time.
    denied: u64,
    /// The code of the last denial. Null if no request was denied.
    #[schema(example = "rate_limited")]
    last_denial_code: Option<String>,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
}

impl PageItem for KeyCaller {
    const PAGE: &'static str = "KeyCallerPage";
    const PAGE_DESCRIPTION: &'static str = "A page of callers.";
}

type KeyCallerPage = PageBody<KeyCaller>;

impl KeyCaller {
    pub fn new(caller: &CallerRow, key: &KeyRow, now: Timestamp) -> Self {
        Self {
            network: match &caller.source {
                CallerSource::Address(address) => address.map(|address| address.to_string()),
                CallerSource::Network(network) => Some(network.to_string()),
                CallerSource::Others => None,
            },
            overflow: caller.source == CallerSource::Others,
            origin: Some(caller.origin.clone()).filter(|origin| !origin.is_empty()),
            user_agent: caller.agent.clone(),
            secret_hint: caller.hint.to_string(),
            secret_state: state(caller, key, now),
            permission: caller.permission.map(Permission::name),
            allowed: caller.allowed,
            denied: caller.denied,
            last_denial_code: caller.last_denial.clone(),
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

/// List callers of a key
///
/// Returns the clients that use the key, by their last request, newest first. The server records up to 200 callers of a key and
/// combines all others in one entry. Records are up to one second old.
#[utoipa::path(get, path = "/keys/{id}/callers", tag = "Keys", operation_id = "listKeyCallers",
    params(("id" = crate::api::schema::KeyId, Path, description = "The key's ID."), PageQuery),
    responses(
        (status = 200, description = "A page of callers.", body = KeyCallerPage),
        (status = 404, description = "The key doesn't exist."),
        (status = 422, description = "A parameter is invalid. `details` names it.")))]
pub async fn list(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    turn: ListTurn,
    Path(id): Path<String>,
    Params(page): Params<PageQuery>,
) -> Result<Response, ApiError> {
    let (after, limit) = page.parse::<CallerCursor>()?;
    let (key, page) = app.keys.callers(&by, key_id(&id)?, app.window(), after, limit).await?;
    let now = app.now();
    PageBody::respond(turn, page, |caller| KeyCaller::new(&caller, &key, now)).await
}
