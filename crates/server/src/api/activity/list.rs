//! `GET /activity`: a page of what happened.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;
use serde::Serialize;
use utoipa::ToSchema;

use super::entry_body::EntryBody;
use super::filter::FilterQuery;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::piece::Piece;
use crate::app::Shared;

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntryPage)]
pub struct EntryPage {
    items: Vec<EntryBody>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// List what happened
///
/// Newest first: who did what to what, and what changed. Never a secret.
#[utoipa::path(get, path = "/activity", tag = "Activity", operation_id = "listActivity", params(FilterQuery, Piece),
    responses(
        (status = 200, description = "A page of entries", body = EntryPage),
        (status = 422, description = "A parameter is not as expected; `details` names it")))]
pub async fn list(
    State(app): State<Shared>,
    by: Acting,
    Params(filter): Params<FilterQuery>,
    Params(piece): Params<Piece>,
) -> Result<Json<EntryPage>, ApiError> {
    let (before, limit) = piece.parse()?;
    let page = app.activity.list(&by, &filter.parse()?, before, limit).await?;
    Ok(Json(EntryPage {
        next_cursor: page.next.map(|seq: u64| seq.to_string()),
        items: page.items.into_iter().map(EntryBody::from).collect(),
    }))
}
