//! `…/projects/{id}/delete`: deletes a project after a confirmation.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::base;
use super::requested::RequestedProject;
use crate::app::Shared;
use crate::web::error::PageError;
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::text;
use view::DeleteProjectPage;

/// Shows the confirmation form.
pub(in crate::web) async fn form(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let counts = app.datasets.counts(&member.acting, project.id).await?;
    let consequence = match (counts.records, counts.models) {
        (0, 0) => String::new(),
        (images, models) => format!(
            "This also deletes {} and {}. Predictions with these models will fail.",
            text::count(images, "image"),
            text::count(models, "model")
        ),
    };
    let view = DeleteProjectPage {
        frame: frame::of_member(&app, &member, NavItem::Projects, &headers),
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
    RequestedProject { member, project }: RequestedProject,
) -> Result<Response, PageError> {
    app.projects.delete(&member.acting, project.id).await?;
    let notice = FlashMessage::good(format!("{} deleted.", project.name));
    Ok(flash::redirect(&app, &base(&member), &notice))
}
