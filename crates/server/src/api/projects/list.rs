//! `GET /projects`: a page of projects.

use axum::Json;
use axum::extract::State;
use keyrack_key::ProjectId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ProjectBody;
use crate::api::ApiError;
use crate::api::body::{Params, limit};
use crate::app::Shared;
use crate::ops::Acting;

/// Which piece of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ProjectQuery {
    /// At most this many, 1 to 200; 50 unless told otherwise.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

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
#[utoipa::path(get, path = "/projects", tag = "Projects", operation_id = "listProjects", params(ProjectQuery),
    responses((status = 200, description = "A page of projects", body = ProjectPage)))]
pub async fn list(
    State(app): State<Shared>,
    by: Acting,
    Params(query): Params<ProjectQuery>,
) -> Result<Json<ProjectPage>, ApiError> {
    let limit = limit(query.limit.as_deref()).map_err(|expected| ApiError::field("limit", expected))?;
    let after = query.cursor.map(|text| text.parse::<ProjectId>()).transpose();
    let after = after.map_err(|_| ApiError::field("cursor", "expected the nextCursor of a page"))?;
    let page = app.projects.list(&by, after, limit).await?;
    Ok(Json(ProjectPage {
        items: page.items.iter().map(ProjectBody::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
