//! `GET /activity`: lists entries of the audit log.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;
use serde::Serialize;
use utoipa::ToSchema;

use super::audit_entry::AuditEntry;
use super::filter::AuditFilterQuery;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::page_query::PageQuery;
use crate::app::Shared;

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryPage {
    items: Vec<AuditEntry>,
    /// The cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List entries of the audit log
///
/// Returns who changed what, newest first. Entries never contain a secret.
#[utoipa::path(get, path = "/activity", tag = "Activity", operation_id = "listActivity", params(AuditFilterQuery, PageQuery),
    responses(
        (status = 200, description = "A page of entries.", body = AuditEntryPage),
        (status = 422, description = "A parameter is invalid. `details` names it.")))]
pub async fn list(
    State(app): State<Shared>,
    by: Acting,
    Params(filter): Params<AuditFilterQuery>,
    Params(page): Params<PageQuery>,
) -> Result<Json<AuditEntryPage>, ApiError> {
    let (before, limit) = page.parse()?;
    let page = app.activity.list(&by, &filter.parse()?, before, limit).await?;
    Ok(Json(AuditEntryPage {
        next_cursor: page.next.map(|seq: u64| seq.to_string()),
        items: page.items.into_iter().map(AuditEntry::from).collect(),
    }))
}
