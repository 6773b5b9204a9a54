//! `GET` and `POST /projects/{id}/annotations/labels`: the words that pictures and boxes are given.

use axum::Json;
use axum::extract::State;
use keyrack_store::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InProject;
use crate::api::ApiError;
use crate::api::body::ListBody;
use crate::app::Shared;
use crate::times::rfc3339;

/// A label that shall be there.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewLabelBody {
    /// 1 to 100 characters, none of them a control character. It comes back byte for byte.
    #[schema(example = "crown cap")]
    name: String,
}

/// A label.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelBody {
    #[schema(example = "lbl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f")]
    id: String,
    #[schema(example = "crown cap")]
    name: String,
    /// How many pictures carry it, on the whole or in a box.
    records: u64,
    created_at: String,
}

/// All labels of a project.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelList {
    items: Vec<LabelBody>,
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
/// At most 10,000 at once; fields that are not listed are passed over.
#[utoipa::path(post, path = "/projects/{id}/annotations/labels", tag = "Datasets", operation_id = "nameLabels",
    request_body = Vec<NewLabelBody>,
    params(("id" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The labels of those names", body = Vec<LabelBody>),
        (status = 404, description = "There is no such project"),
        (status = 422, description = "A name is not as expected; nothing was made")))]
pub async fn name(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    ListBody(body): ListBody<NewLabelBody>,
) -> Result<Json<Vec<LabelBody>>, ApiError> {
    let names: Vec<_> = body.into_iter().map(|label| label.name).collect();
    let labels = app.datasets.make_labels(&by, project, &names).await?;
    Ok(Json(labels.into_iter().map(LabelBody::from).collect()))
}

/// List labels
///
/// All of them, by name.
#[utoipa::path(get, path = "/projects/{id}/annotations/labels", tag = "Datasets", operation_id = "listLabels",
    params(("id" = String, Path, description = "The project's id")),
    responses(
        (status = 200, description = "The labels", body = LabelList),
        (status = 404, description = "There is no such project")))]
pub async fn list(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
) -> Result<Json<LabelList>, ApiError> {
    let labels = app.datasets.labels(&by, project).await?;
    Ok(Json(LabelList { items: labels.into_iter().map(LabelBody::from).collect() }))
}
