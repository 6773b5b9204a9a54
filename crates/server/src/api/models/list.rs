//! `GET /projects/{id}/models` and `GET /models`: list models.

use axum::extract::{Path, State};
use axum::response::Response;
use keyrack_core::AuthorizedCaller;
use keyrack_key::ProjectId;

use super::{ModelBody, project_id};
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::api::page_query::PageQuery;
use crate::app::Shared;

impl PageItem for ModelBody {
    const PAGE: &'static str = "ModelPage";
    const PAGE_DESCRIPTION: &'static str = "A page of models.";
}

type ModelPage = PageBody<ModelBody>;

/// List the models of a project
///
/// Returns models of every status, newest first.
#[utoipa::path(get, path = "/projects/{id}/models", tag = "Models", operation_id = "listProjectModels",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."), PageQuery),
    responses(
        (status = 200, description = "A page of models.", body = ModelPage),
        (status = 403, description = "The key is restricted to other projects or models."),
        (status = 404, description = "The project doesn't exist.")))]
pub async fn list_of_project(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    turn: ListTurn,
    Path(id): Path<String>,
    Params(query): Params<PageQuery>,
) -> Result<Response, ApiError> {
    page(&app, &by, turn, Some(project_id(&id)?), query).await
}

/// List models
///
/// Returns the models of all projects that the key can access, newest first.
#[utoipa::path(get, path = "/models", tag = "Models", operation_id = "listModels", params(PageQuery),
    responses((status = 200, description = "A page of models.", body = ModelPage)))]
pub async fn list(
    State(app): State<Shared>,
    by: AuthorizedCaller,
    turn: ListTurn,
    Params(query): Params<PageQuery>,
) -> Result<Response, ApiError> {
    page(&app, &by, turn, None, query).await
}

async fn page(
    app: &Shared,
    by: &AuthorizedCaller,
    turn: ListTurn,
    project: Option<ProjectId>,
    query: PageQuery,
) -> Result<Response, ApiError> {
    let (after, limit) = query.parse()?;
    let page = app.models.list(by, project, after, limit).await?;
    PageBody::respond(turn, page, |model| ModelBody::from(&model)).await
}
