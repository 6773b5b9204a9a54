//! `…/projects/{id}/delete`: the end of a project.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;

use super::{base, project_id};
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::frame::{self, show};
use crate::web::person::Member;
use crate::web::view::{DeleteProject, Here, Notice, Tone};

/// The question.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let project = app.projects.read(&member.acting, project_id(&id)?).await?.into_inner();
    let view = DeleteProject {
        frame: frame::of_member(&app, &member, Here::Projects, &headers),
        base: base(&member),
        id: project.id.to_string(),
        project_name: project.name,
        consequence: String::new(),
    };
    Ok(show!(&app, view)?)
}

/// Deletes.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let project = app.projects.read(&member.acting, project_id(&id)?).await?.into_inner();
    app.projects.delete(&member.acting, project.id).await?;
    let notice =
        Notice { tone: Tone::Good, text: format!("{} was deleted.", project.name), detail: String::new() };
    Ok(flash::redirect(&app, &base(&member), &notice))
}
