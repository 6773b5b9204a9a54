//! `GET /projects`: a page of projects.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;
use serde::Serialize;
use utoipa::ToSchema;

use super::ProjectBody;
use crate::api::ApiError;
use crate::api::body::Params;
use crate::api::piece::Piece;
use crate::app::Shared;

/// A page of projects.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectPage {
    items: Vec<ProjectBody>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// List projects
///
/// Newest first; those that the key may open.
#[utoipa::path(get, path = "/projects", tag = "Projects", operation_id = "listProjects", params(Piece),
    responses((status = 200, description = "A page of projects", body = ProjectPage)))]
pub async fn list(
    State(app): State<Shared>,
    by: Acting,
    Params(query): Params<Piece>,
) -> Result<Json<ProjectPage>, ApiError> {
    let (after, limit) = query.parse()?;
    let page = app.projects.list(&by, after, limit).await?;
    Ok(Json(ProjectPage {
        items: page.items.iter().map(ProjectBody::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
