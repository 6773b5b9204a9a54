//! `GET` and `POST /projects/{id}/annotations/labels`: list and create labels.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use keyrack_core::times::rfc3339;
use keyrack_store::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InProject;
use crate::api::ApiError;
use crate::api::body::{ListBody, Params};
use crate::api::list_turn::ListTurn;
use crate::api::page::{PageBody, PageItem};
use crate::api::page_query::PageQuery;
use crate::app::Shared;

/// The name of a label.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateLabelRequest {
    /// A name of 1 to 100 characters, without control characters. The server doesn't normalize it.
    #[schema(value_type = crate::api::schema::DisplayName)]
    name: String,
}

/// A label for images and boxes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Label)]
pub struct LabelBody {
    #[schema(value_type = crate::api::schema::LabelId)]
    id: String,
    #[schema(example = "crown cap")]
    name: String,
    /// The number of images with this label, or with a box with this label. Only lists of labels have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_count: Option<u64>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl PageItem for LabelBody {
    const PAGE: &'static str = "LabelPage";
    const PAGE_DESCRIPTION: &'static str = "A page of labels.";
}

type LabelPage = PageBody<LabelBody>;

impl From<Label> for LabelBody {
    fn from(label: Label) -> Self {
        Self {
            id: label.id.to_string(),
            name: label.name,
            record_count: label.records,
            created_at: rfc3339(label.created_at),
        }
    }
}

/// Create labels
///
/// Creates up to 1,000 labels and returns them in the same order. If the project has a label with a sent name, the existing label
/// is returned. Unknown fields are ignored.
#[utoipa::path(post, path = "/projects/{id}/annotations/labels", tag = "Datasets", operation_id = "createLabels",
    request_body = Vec<CreateLabelRequest>,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 200, description = "The labels, in the order in which their names were sent.", body = Vec<LabelBody>),
        (status = 404, description = "The project doesn't exist."),
        (status = 422, description = "A name is invalid, and no label was created.")))]
pub async fn create(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    ListBody(body, _held): ListBody<CreateLabelRequest>,
) -> Result<Json<Vec<LabelBody>>, ApiError> {
    let names: Vec<_> = body.into_iter().map(|label| label.name).collect();
    let labels = app.datasets.find_or_create_labels(&by, project, &names).await?;
    Ok(Json(labels.into_iter().map(LabelBody::from).collect()))
}

/// List labels
///
/// Returns the labels of a project, by name.
#[utoipa::path(get, path = "/projects/{id}/annotations/labels", tag = "Datasets", operation_id = "listLabels",
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID."), PageQuery),
    responses(
        (status = 200, description = "A page of labels.", body = LabelPage),
        (status = 404, description = "The project doesn't exist.")))]
pub async fn list(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    turn: ListTurn,
    Params(page): Params<PageQuery>,
) -> Result<Response, ApiError> {
    let (after, limit) = page.parse()?;
    let page = app.datasets.labels(&by, project, after, limit).await?;
    PageBody::respond(turn, page, LabelBody::from).await
}
