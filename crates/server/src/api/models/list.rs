//! `GET /projects/{id}/models` and `GET /models`: a page of models.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_core::Acting;
use keyrack_key::ProjectId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ModelBody, project_id};
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::piece::Piece;
use crate::app::Shared;

/// A page of models.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelPage {
    items: Vec<ModelBody>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// List the models of a project
///
/// Newest first, whatever they are at.
#[utoipa::path(get, path = "/projects/{id}/models", tag = "Models", operation_id = "listProjectModels",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID"), Piece),
    responses(
        (status = 200, description = "A page of models", body = ModelPage),
        (status = 403, description = "The key is restricted to other projects or models"),
        (status = 404, description = "There is no such project")))]
pub async fn list_of_project(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    Params(query): Params<Piece>,
) -> Result<Json<ModelPage>, ApiError> {
    page(&app, &by, Some(project_id(&id)?), query).await
}

/// List models
///
/// Newest first; those of projects that the key may open.
#[utoipa::path(get, path = "/models", tag = "Models", operation_id = "listModels", params(Piece),
    responses((status = 200, description = "A page of models", body = ModelPage)))]
pub async fn list(
    State(app): State<Shared>,
    by: Acting,
    Params(query): Params<Piece>,
) -> Result<Json<ModelPage>, ApiError> {
    page(&app, &by, None, query).await
}

async fn page(
    app: &Shared,
    by: &Acting,
    project: Option<ProjectId>,
    query: Piece,
) -> Result<Json<ModelPage>, ApiError> {
    let (after, limit) = query.parse()?;
    let page = app.models.list(by, project, after, limit).await?;
    Ok(Json(ModelPage {
        items: page.items.iter().map(ModelBody::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
