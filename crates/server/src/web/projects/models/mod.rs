//! `…/projects/{id}/models`: lists the models of a project.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use keyrack_key::ModelId;

use super::RequestedProject;
use super::head::{head, url};
use crate::api::Params;
use crate::app::Shared;
use crate::web::cursor::CursorQuery;
use crate::web::error::PageError;
use crate::web::frame::{self, NavItem, show};
use crate::web::models::list::ON_A_PAGE;
use crate::web::models::row;
use view::ProjectModelsPage;

/// Shows the models.
pub(in crate::web) async fn page(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    Params(query): Params<CursorQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let after = query.after::<ModelId>();
    let page = app.models.list(&member.acting, Some(project.id), after, ON_A_PAGE).await?;
    let counts = app.datasets.counts(&member.acting, project.id).await?;
    let now = app.now();
    let url = url(&member, &project);
    let view = ProjectModelsPage {
        frame: frame::of_member(&app, &member, NavItem::Projects, &headers),
        head: head(&member, &project, counts, true),
        models: page.items.iter().map(|model| row(&member, model, &project.name, now)).collect(),
        next_url: page.next.map(|cursor| format!("{url}/models?cursor={cursor}")),
        missing: app.models.lacks(&member.acting, project.id).await?,
    };
    Ok(show!(&app, view)?)
}
