//! `GET /keys`: lists keys.

use axum::extract::State;
use axum::response::Response;
use keyrack_core::{AuthorizedCaller, Invalid};
use keyrack_key::{Class, KeyId, Scope};
use keyrack_store::{KeyFilter, KeyStatus};
use serde::Deserialize;
use utoipa::IntoParams;

use super::KeyBody;
use crate::api::ApiError;
use crate::api::body::{Params, limit};
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::app::Shared;

/// A filter for keys, and the position and the length of a page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct KeyQuery {
    /// Only keys with this status. `any` (the default) returns all keys.
    #[param(inline, value_type = Option<crate::api::schema::KeyStatusFilter>)]
    status: Option<String>,
    /// Only keys with this scope.
    #[param(value_type = Option<crate::api::schema::ScopeName>)]
    scope: Option<String>,
    /// Only keys of this class.
    #[param(value_type = Option<crate::api::schema::KeyClass>)]
    class: Option<String>,
    /// Only keys whose name contains this text, or that have a secret with these last four characters.
    #[param(max_length = 100)]
    q: Option<String>,
    /// The maximum number of items, 1 to 200. The default is 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `nextCursor` of the previous page.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl PageItem for KeyBody {
    const PAGE: &'static str = "KeyPage";
    const PAGE_DESCRIPTION: &'static str = "A page of keys.";
}

type KeyPage = PageBody<KeyBody>;

impl KeyQuery {
    fn parse(&self, now: keyrack_key::Timestamp) -> Result<KeyFilter<'_>, Invalid> {
        let mut invalid = Invalid::default();
        let status = match self.status.as_deref().unwrap_or("any") {
            "any" => Ok(KeyStatus::Any),
            "active" => Ok(KeyStatus::Live),
            "paused" => Ok(KeyStatus::Paused),
            "expired" => Ok(KeyStatus::Expired),
            "deleted" => Ok(KeyStatus::Deleted),
            _ => Err("Use active, paused, expired, deleted, or any."),
        };
        let status = invalid.take("status", status);
        let scope = self.scope.as_deref().and_then(|text| invalid.take("scope", text.parse::<Scope>()));
        let class = self.class.as_deref().and_then(|text| invalid.take("class", text.parse::<Class>()));
        let after = self.cursor.as_deref().and_then(|text| {
            invalid.take("cursor", text.parse::<KeyId>().map_err(|_| "Use the nextCursor of a page."))
        });
        let limit = invalid.take("limit", limit(self.limit.as_deref()));
        let text = self.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
        // Names have at most 100 characters.
        let fits = text.is_none_or(|text| text.chars().count() <= 100);
        invalid.take("q", fits.then_some(()).ok_or("Use 100 characters or fewer."));
        match (status, limit) {
            (Some(status), Some(limit)) if invalid.fields().next().is_none() => {
                Ok(KeyFilter { status, scope, class, text, after, limit, ..KeyFilter::any(now) })
            }
            _ => Err(invalid),
        }
    }
}

/// List keys
///
/// Returns the keys of the workspace, newest first, including expired and deleted keys.
#[utoipa::path(get, path = "/keys", tag = "Keys", operation_id = "listKeys", params(KeyQuery),
    responses((status = 200, description = "A page of keys.", body = KeyPage)))]
pub async fn list(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    turn: ListTurn,
    Params(query): Params<KeyQuery>,
) -> Result<Response, ApiError> {
    let now = (app.clock)();
    let page = app.keys.list(&by, &query.parse(now)?).await?;
    PageBody::respond(turn, page, |key| KeyBody::new(&key, now)).await
}
