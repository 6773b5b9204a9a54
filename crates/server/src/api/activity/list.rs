//! `GET /activity`: lists entries of the audit log.

use axum::extract::State;
use axum::response::Response;
use keyrack_core::AuthorizedCaller;

use super::audit_entry::AuditEntry;
use super::filter::AuditFilterQuery;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::api::page_query::PageQuery;
use crate::app::Shared;

impl PageItem for AuditEntry {
    const PAGE: &'static str = "AuditEntryPage";
    const PAGE_DESCRIPTION: &'static str = "A page of the audit log.";
}

type AuditEntryPage = PageBody<AuditEntry>;

/// List entries of the audit log
///
/// Returns who changed what, newest first. Entries never contain a secret.
#[utoipa::path(get, path = "/activity", tag = "Activity", operation_id = "listActivity", params(AuditFilterQuery, PageQuery),
    responses(
        (status = 200, description = "A page of entries.", body = AuditEntryPage),
        (status = 422, description = "A parameter is invalid. `details` names it.")))]
pub async fn list(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    turn: ListTurn,
    Params(filter): Params<AuditFilterQuery>,
    Params(page): Params<PageQuery>,
) -> Result<Response, ApiError> {
    let (before, limit) = page.parse()?;
    let page = app.activity.list(&by, &filter.parse()?, before, limit).await?;
    PageBody::respond(turn, page, AuditEntry::from).await
}
