//! `GET /projects`: lists projects.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;
use serde::Serialize;
use utoipa::ToSchema;

use super::ProjectBody;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::page_query::PageQuery;
use crate::app::Shared;

/// A page of projects.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectPage)]
pub struct ProjectPageBody {
    items: Vec<ProjectBody>,
    /// The cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List projects
///
/// Returns the projects that the key can access, newest first.
#[utoipa::path(get, path = "/projects", tag = "Projects", operation_id = "listProjects", params(PageQuery),
    responses((status = 200, description = "A page of projects.", body = ProjectPageBody)))]
pub async fn list(
    State(app): State<Shared>,
    by: Acting,
    Params(query): Params<PageQuery>,
) -> Result<Json<ProjectPageBody>, ApiError> {
    let (after, limit) = query.parse()?;
    let page = app.projects.list(&by, after, limit).await?;
    Ok(Json(ProjectPageBody {
        items: page.items.iter().map(ProjectBody::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
