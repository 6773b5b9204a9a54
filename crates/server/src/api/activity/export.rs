//! `GET /activity/export`: exports the audit log as a file that can be verified without this server.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::Stream;
use http::header;
use keyrack_core::AuthorizedCaller;
use keyrack_core::history::ExportFormat;
use keyrack_core::times::rfc3339;
use keyrack_key::Timestamp;
use keyrack_store::StoreError;
use serde::Deserialize;
use utoipa::IntoParams;

use super::filter::AuditFilterQuery;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::app::Shared;

/// The format of the export.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FormatQuery {
    /// `jsonl` (JSON Lines, the default) or `csv`.
    #[param(value_type = Option<crate::api::schema::ExportFormat>)]
    format: Option<String>,
}

/// Export the audit log
///
/// Returns all matching entries as one file, oldest first. Each entry has `seq`, `version`, `workspace`, `at`, `actor`,
/// `action`, `target`, `detail`, `prev`, and `hash`. The last line summarizes the file. `keyrack audit verify` verifies
/// the file offline.
#[utoipa::path(get, path = "/activity/export", tag = "Activity", operation_id = "exportActivity",
    params(FormatQuery, AuditFilterQuery),
    responses(
        (status = 200, description = "The file.", content((String = "application/x-ndjson"), (String = "text/csv"))),
        (status = 422, description = "A parameter is invalid. `details` names it.")))]
pub async fn export(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    Params(query): Params<FormatQuery>,
    Params(filter): Params<AuditFilterQuery>,
) -> Result<Response, ApiError> {
    let format = query.format.as_deref().map_or(Ok(ExportFormat::JsonLines), str::parse);
    let format = format.map_err(|expected| ApiError::field("format", expected))?;
    let lines = app.activity.export(&by, filter.parse()?, format).await?;
    Ok(export_file(format, app.now(), lines))
}

/// Returns a response that browsers save as a file. `now` gives the file its name.
pub fn export_file(
    format: ExportFormat,
    now: Timestamp,
    lines: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static,
) -> Response {
    attachment("activity", format, now, Body::from_stream(lines))
}

/// Returns a response that browsers save as the file `keyrack-{what}-{day}`.
pub fn attachment(what: &str, format: ExportFormat, now: Timestamp, body: Body) -> Response {
    let day = rfc3339(now);
    let name = format!("keyrack-{what}-{}.{}", day.get(..10).unwrap_or_default(), format.name());
    let head = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (head, body).into_response()
}
