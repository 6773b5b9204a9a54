//! `…/imports/{import}`: how far an archive is taken in.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::form::sentence;
use crate::web::frame::{self, show};
use crate::web::projects::{Chosen, url};
use crate::web::view::{Here, ImportPage, Outcome};
use crate::web::words;

/// What the path names beside the project.
#[derive(Debug, Deserialize)]
pub struct Named {
    import: String,
}

/// Shows it.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    Chosen { member, project }: Chosen,
    Path(Named { import: id }): Path<Named>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let import = app.imports.read(&member.acting, project.id, &id).await?;
    let standing = import.standing();
    let project_url = url(&member, &project);
    let view = ImportPage {
        frame: frame::of_member(&app, &member, Here::Projects, &headers),
        url: format!("{project_url}/imports/{id}"),
        project_url,
        project_name: project.name,
        name: import.name.clone(),
        began: words::moment(import.began, app.now()),
        done: standing.done,
        added: standing.added,
        has_ended: standing.has_ended,
        failed: standing.failed.as_deref().map(sentence),
        skipped_more: standing.skipped_count - standing.skipped.len() as u64,
        skipped: standing
            .skipped
            .into_iter()
            .map(|skip| Outcome { name: skip.name, refused: Some(sentence(&skip.reason)) })
            .collect(),
    };
    Ok(show!(&app, view)?)
}
