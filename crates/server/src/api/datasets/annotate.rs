//! `POST /projects/{id}/annotations`: say what is in a picture.

use axum::Json;
use axum::extract::State;
use keyrack_core::datasets::{Given, InvalidAnnotation, MarkDraft};
use keyrack_vision::Rect;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{AnnotationBody, InProject};
use crate::api::ApiError;
use crate::api::body::{LongBody, object, objects};
use crate::app::Shared;

/// What is in a picture.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateAnnotationsRequest {
    /// The record's id.
    #[serde(alias = "datasetRecordId")]
    #[schema(value_type = crate::api::schema::RecordId)]
    dataset_record_id: String,
    /// At most 1,000, as in one picture.
    #[serde(deserialize_with = "objects")]
    #[schema(max_items = 1000)]
    annotations: Vec<AnnotationInput>,
}

/// One thing that is in it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AnnotationInput {
    #[serde(alias = "labelId")]
    #[schema(value_type = crate::api::schema::LabelId)]
    label_id: String,
    #[serde(deserialize_with = "object")]
    annotation: ShapeInput,
}

/// Where it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ShapeInput {
    /// `category`: the picture as a whole; a picture has one class, and a new one takes its place. `bounding_box`: a box.
    #[schema(value_type = crate::api::schema::AnnotationKind)]
    category: String,
    /// In pixels of the picture as it is shown. A box needs all four.
    #[serde(default)]
    left: Option<f64>,
    #[serde(default)]
    top: Option<f64>,
    /// Not negative, as is the height.
    #[serde(default)]
    #[schema(minimum = 0)]
    width: Option<f64>,
    #[serde(default)]
    #[schema(minimum = 0)]
    height: Option<f64>,
    /// Whatever shall be kept beside it, up to 4 KiB of JSON.
    #[serde(default)]
    metadata: Option<Value>,
}

impl AnnotationInput {
    fn draft(self, index: usize) -> Result<MarkDraft, InvalidAnnotation> {
        let label = self.label_id.parse();
        let label = label.map_err(|_| {
            InvalidAnnotation::new(index, "label_id", "expected the id of a label of this project")
        })?;
        let place = self.annotation;
        let rect = match place.category.as_str() {
            "category" => None,
            "bounding_box" => {
                let edge = |name: &str, value: Option<f64>| {
                    let field = format!("annotation.{name}");
                    value.ok_or_else(|| InvalidAnnotation::new(index, &field, "is missing"))
                };
                Some(Rect {
                    left: edge("left", place.left)?,
                    top: edge("top", place.top)?,
                    width: edge("width", place.width)?,
                    height: edge("height", place.height)?,
                })
            }
            _ => {
                let expected = "expected category or bounding_box";
                return Err(InvalidAnnotation::new(index, "annotation.category", expected));
            }
        };
        Ok(MarkDraft { label, rect, metadata: place.metadata.map(|value| value.to_string()) })
    }
}

/// Annotate a picture
///
/// All or nothing, and the same annotation again is the same one. Boxes are clipped to the picture. The answer has an
/// entry for each that was sent, in their order; a box of which no area lies within the picture is not kept, and its
/// entry has no `id` and says so in `dropped`. Fields that are not listed are passed over.
#[utoipa::path(post, path = "/projects/{id}/annotations", tag = "Datasets", operation_id = "createAnnotations",
    request_body = CreateAnnotationsRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID")),
    responses(
        (status = 200, description = "What became of each", body = Vec<AnnotationBody>),
        (status = 404, description = "There is no such project or record"),
        (status = 422, description = "An annotation is not as expected; `details` names it, and nothing was kept")))]
pub async fn annotate(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    LongBody(body, _held): LongBody<CreateAnnotationsRequest>,
) -> Result<Json<Vec<AnnotationBody>>, ApiError> {
    let record = body.dataset_record_id.parse();
    let record = record.map_err(|_| ApiError::field("dataset_record_id", "expected the id of a record"))?;
    let drafts = body.annotations.into_iter().enumerate().map(|(index, one)| one.draft(index));
    let drafts: Vec<_> = drafts.collect::<Result<_, _>>()?;
    let given = app.datasets.annotate(&by, project, record, &drafts).await?;
    Ok(Json(in_order(&given)))
}

/// Each at the place at which it was sent.
fn in_order(given: &Given) -> Vec<AnnotationBody> {
    let (mut kept, mut dropped) = (given.annotations.iter(), given.dropped.iter().peekable());
    let all = given.annotations.len() + given.dropped.len();
    (0..all)
        .filter_map(|index| match dropped.next_if(|one| one.index == index) {
            Some(one) => Some(one.into()),
            None => kept.next().map(AnnotationBody::from),
        })
        .collect()
}
