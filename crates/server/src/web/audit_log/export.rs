//! `GET …/settings/audit-log/export`: sends the filtered audit log as a file.

use axum::extract::State;
use axum::response::Response;
use keyrack_core::history::ExportFormat;
use serde::Deserialize;

use super::query::ActivityQuery;
use crate::api::{Params, export_file};
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::person::Member;

/// The format of the file, from the query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExportQuery {
    format: String,
}

/// Sends the file. An unknown format means JSON Lines.
pub(in crate::web) async fn file(
    State(app): State<Shared>,
    member: Member,
    Params(search): Params<ActivityQuery>,
    Params(form): Params<ExportQuery>,
) -> Result<Response, PageError> {
    let format = form.format.parse().unwrap_or(ExportFormat::JsonLines);
    let lines = app.activity.export(&member.acting, search.filter(), format).await?;
    Ok(export_file(format, app.now(), lines))
}
