//! `GET /projects`: lists projects.

use axum::extract::State;
use axum::response::Response;
use keyrack_core::AuthorizedCaller;

use super::ProjectBody;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::api::page_query::PageQuery;
use crate::app::Shared;

impl PageItem for ProjectBody {
    const PAGE: &'static str = "ProjectPage";
    const PAGE_DESCRIPTION: &'static str = "A page of projects.";
}

type ProjectPage = PageBody<ProjectBody>;

/// List projects
///
/// Returns the projects that the key can access, newest first.
#[utoipa::path(get, path = "/projects", tag = "Projects", operation_id = "listProjects", params(PageQuery),
    responses((status = 200, description = "A page of projects.", body = ProjectPage)))]
pub async fn list(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    turn: ListTurn,
    Params(query): Params<PageQuery>,
) -> Result<Response, ApiError> {
    let (after, limit) = query.parse()?;
    let page = app.projects.list(&by, after, limit).await?;
    PageBody::respond(turn, page, |project| ProjectBody::from(&project)).await
}
