//! `GET …/settings/api-keys/export`: sends the selected keys as a CSV file, without secrets.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use keyrack_core::csv_cells::{neutral, quoted_row};
use keyrack_core::history::ExportFormat;
use keyrack_core::keys::usage::RecentUsage;
use keyrack_core::times::rfc3339;
use keyrack_key::Timestamp;
use keyrack_store::KeyRow;

use super::form::SelectedKeysForm;
use super::{list_url, none_selected};
use crate::api::attachment;
use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::person::Member;
use crate::web::text;

/// The columns, followed by the number of requests.
const COLUMNS: [&str; 9] =
    ["name", "id", "secret", "class", "scopes", "status", "created", "last_used", "expires"];

/// Sends the file.
pub(in crate::web) async fn file(
    State(app): State<Shared>,
    member: Member,
    form: SelectedKeysForm,
) -> Result<Response, PageError> {
    if form.keys.is_empty() {
        return Ok(none_selected(&app, &list_url(&member, &form)));
    }
    let keys = app.keys.read_selected(&member.acting, &form.keys).await?;
    let usage = app.keys.recent_usage(&member.acting, &form.keys, app.window()).await?;
    let requests = format!("requests_{}_days", app.window());
    let head: Vec<_> = COLUMNS.into_iter().map(str::to_owned).chain([requests]).collect();
    let mut lines = quoted_row(&head);
    for key in &keys {
        lines.push_str(&line(&app, key, usage.get(&key.id)));
    }
    Ok(attachment("keys", ExportFormat::Csv, app.now(), Body::from(lines)))
}

/// The row of a key. Only its name, the first cell, contains text that a user chose.
fn line(app: &App, key: &KeyRow, usage: Option<&RecentUsage>) -> String {
    let time = |at: Option<Timestamp>| at.map(rfc3339).unwrap_or_default();
    quoted_row(&[
        neutral(&key.name),
        key.id.to_string(),
        text::masked_key(&app.config.brands, key),
        key.class.name().to_owned(),
        key.scopes.to_string(),
        status(key, app.now()).to_owned(),
        rfc3339(key.created_at),
        time(key.last_use.as_ref().map(|last| last.at)),
        time(key.terms.expires_at),
        usage.map_or(0, |one| one.allowed() + one.denied()).to_string(),
    ])
}

/// The status of a key, as the tabs of the list divide the keys.
fn status(key: &KeyRow, now: Timestamp) -> &'static str {
    if key.deletion.is_some() {
        "deleted"
    } else if key.paused_at(now).is_some() {
        "paused"
    } else if key.has_expired(now) {
        "expired"
    } else {
        "active"
    }
}
