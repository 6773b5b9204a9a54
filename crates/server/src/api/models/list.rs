//! `GET /projects/{id}/models` and `GET /models`: a page of models.

use axum::Json;
use axum::extract::{Path, State};
use keyrack_key::{ModelId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ModelBody, project_id};
use crate::api::ApiError;
use crate::api::body::{Params, limit};
use crate::app::Shared;
use crate::ops::Acting;

/// Which piece of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ModelQuery {
    /// At most this many, 1 to 200; 50 unless told otherwise.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

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
#[utoipa::path(get, path = "/projects/{id}/models", tag = "Models", operation_id = "listModelsOfProject",
    params(("id" = String, Path, description = "The project's id"), ModelQuery),
    responses(
        (status = 200, description = "A page of models", body = ModelPage),
        (status = 403, description = "The key is restricted to other projects"),
        (status = 404, description = "There is no such project")))]
pub async fn list_of_project(
    State(app): State<Shared>,
    by: Acting,
    Path(id): Path<String>,
    Params(query): Params<ModelQuery>,
) -> Result<Json<ModelPage>, ApiError> {
    page(&app, &by, Some(project_id(&id)?), query).await
}

/// List models
///
/// Newest first; those of projects that the key may open.
#[utoipa::path(get, path = "/models", tag = "Models", operation_id = "listModels", params(ModelQuery),
    responses((status = 200, description = "A page of models", body = ModelPage)))]
pub async fn list(
    State(app): State<Shared>,
    by: Acting,
    Params(query): Params<ModelQuery>,
) -> Result<Json<ModelPage>, ApiError> {
    page(&app, &by, None, query).await
}

async fn page(
    app: &Shared,
    by: &Acting,
    project: Option<ProjectId>,
    query: ModelQuery,
) -> Result<Json<ModelPage>, ApiError> {
    let limit = limit(query.limit.as_deref()).map_err(|expected| ApiError::field("limit", expected))?;
    let after = query.cursor.map(|text| text.parse::<ModelId>()).transpose();
    let after = after.map_err(|_| ApiError::field("cursor", "expected the nextCursor of a page"))?;
    let page = app.models.list(by, project, after, limit).await?;
    Ok(Json(ModelPage {
        items: page.items.iter().map(ModelBody::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
