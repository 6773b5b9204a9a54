//! `…/projects/{id}/delete`: deletes a project after a confirmation.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::base;
use super::chosen::Chosen;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::frame::{self, show};
use crate::web::view::{DeleteProject, Here, Notice, Tone};
use crate::web::words;

/// Asks for confirmation.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    Chosen { member, project }: Chosen,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let counts = app.datasets.counts(&member.acting, project.id).await?;
    let consequence = match (counts.records, counts.models) {
        (0, 0) => String::new(),
        (images, models) => format!(
            "With it go {} and {}; whoever asks these models gets no answer any more.",
            words::count(images, "image"),
            words::count(models, "model")
        ),
    };
    let view = DeleteProject {
        frame: frame::of_member(&app, &member, Here::Projects, &headers),
        base: base(&member),
        id: project.id.to_string(),
        project_name: project.name,
        consequence,
    };
    Ok(show!(&app, view)?)
}

/// Deletes the project.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    Chosen { member, project }: Chosen,
) -> Result<Response, PageError> {
    app.projects.delete(&member.acting, project.id).await?;
    let notice =
        Notice { tone: Tone::Good, text: format!("{} was deleted.", project.name), detail: String::new() };
    Ok(flash::redirect(&app, &base(&member), &notice))
}
