//! `GET` and `POST /projects/{id}/annotations/labels`: the words that pictures and boxes are given.

use axum::Json;
use axum::extract::State;
use keyrack_core::times::rfc3339;
use keyrack_store::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InProject;
use crate::api::ApiError;
use crate::api::body::{ListBody, Params};
use crate::api::piece::Piece;
use crate::app::Shared;

/// A label that shall be there.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateLabelRequest {
    /// 1 to 100 characters, none of them a control character. It comes back byte for byte.
    #[schema(value_type = crate::api::schema::Name)]
    name: String,
}

/// A label.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Label)]
pub struct LabelBody {
    #[schema(value_type = crate::api::schema::LabelId)]
    id: String,
    #[schema(example = "crown cap")]
    name: String,
    /// How many pictures carry it, on the whole or in a box; counted in the list alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A page of labels.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelPage {
    items: Vec<LabelBody>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl From<Label> for LabelBody {
    fn from(label: Label) -> Self {
        Self {
            id: label.id.to_string(),
            name: label.name,
            records: label.records,
            created_at: rfc3339(label.created_at),
        }
    }
}

/// Name labels
///
/// A list in, a list out, in the same order. The same name is the same label: it is made the first time.
/// At most 1,000 at once; fields that are not listed are passed over.
#[utoipa::path(post, path = "/projects/{id}/annotations/labels", tag = "Datasets", operation_id = "createLabels",
    request_body = Vec<CreateLabelRequest>,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID")),
    responses(
        (status = 200, description = "The labels of those names", body = Vec<LabelBody>),
        (status = 404, description = "There is no such project"),
        (status = 422, description = "A name is not as expected; nothing was made")))]
pub async fn name(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    ListBody(body, _held): ListBody<CreateLabelRequest>,
) -> Result<Json<Vec<LabelBody>>, ApiError> {
    let names: Vec<_> = body.into_iter().map(|label| label.name).collect();
    let labels = app.datasets.make_labels(&by, project, &names).await?;
    Ok(Json(labels.into_iter().map(LabelBody::from).collect()))
}

/// List labels
///
/// By name.
#[utoipa::path(get, path = "/projects/{id}/annotations/labels", tag = "Datasets", operation_id = "listLabels",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID"), Piece),
    responses(
        (status = 200, description = "A page of labels", body = LabelPage),
        (status = 404, description = "There is no such project")))]
pub async fn list(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    Params(piece): Params<Piece>,
) -> Result<Json<LabelPage>, ApiError> {
    let (after, limit) = piece.parse()?;
    let page = app.datasets.labels(&by, project, after, limit).await?;
    Ok(Json(LabelPage {
        items: page.items.into_iter().map(LabelBody::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}
