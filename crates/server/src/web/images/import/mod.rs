//! `…/imports/{import}`: shows the progress of an archive import.

mod view;

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use keyrack_store::ImportStatus;
use serde::Deserialize;

use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::form::sentence;
use crate::web::frame::{self, NavItem, show};
use crate::web::images::upload::UploadOutcome;
use crate::web::projects::{RequestedProject, url};
use crate::web::text;
use view::ImportPage;

/// The part of the path after the project.
#[derive(Debug, Deserialize)]
pub struct ImportPath {
    import: String,
}

/// Shows the import.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    Path(ImportPath { import: id }): Path<ImportPath>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let (import, skips) = app.imports.read(&member.acting, project.id, &id).await?;
    let project_url = url(&member, &project);
    let view = ImportPage {
        frame: frame::of_member(&app, &member, NavItem::Projects, &headers),
        url: format!("{project_url}/imports/{id}"),
        project_url,
        project_name: project.name,
        began: text::moment(import.created_at, app.now()),
        done: import.done,
        added: import.added,
        has_ended: import.ended_at.is_some(),
        waits: import.status == ImportStatus::Queued,
        waits_for_disk: import.status == ImportStatus::Queued && app.imports.are_waiting_for_disk(),
        failed: import.reason.as_deref().map(sentence),
        skipped_more: import.skipped.saturating_sub(skips.len() as u64),
        skipped: skips
            .into_iter()
            .map(|skip| UploadOutcome { name: skip.name, denial: Some(sentence(&skip.reason)) })
            .collect(),
        name: import.name,
    };
    Ok(show!(&app, view)?)
}
