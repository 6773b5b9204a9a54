//! `POST /projects/{id}/annotations`: creates annotations of an image.

use axum::Json;
use axum::extract::State;
use keyrack_core::datasets::{AnnotationDraft, AnnotationOutcome, InvalidAnnotation};
use keyrack_vision::Rect;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{AnnotationBody, InProject};
use crate::api::ApiError;
use crate::api::body::{LongBody, object, objects};
use crate::app::Shared;

/// The annotations to create for an image.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateAnnotationsRequest {
    /// The ID of the image's record.
    #[serde(alias = "datasetRecordId")]
    #[schema(value_type = crate::api::schema::RecordId)]
    dataset_record_id: String,
    /// At most 1,000 annotations. An image has at most 1,000, too.
    #[serde(deserialize_with = "objects")]
    #[schema(max_items = 1000)]
    annotations: Vec<AnnotationInput>,
}

/// An annotation to create.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AnnotationInput {
    #[serde(alias = "labelId")]
    #[schema(value_type = crate::api::schema::LabelId)]
    label_id: String,
    #[serde(deserialize_with = "object")]
    annotation: AnnotationShapeInput,
}

/// The shape of an annotation to create: the whole image or a box. A box needs `left`, `top`, `width`, and `height`, in pixels of
/// the image after its EXIF orientation is applied.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AnnotationShapeInput {
    /// `category`: a class for the whole image, which replaces its previous class. `bounding_box`: a box.
    #[schema(value_type = crate::api::schema::AnnotationKind)]
    category: String,
    /// The left edge of the box.
    #[serde(default)]
    left: Option<f64>,
    /// The top edge of the box.
    #[serde(default)]
    top: Option<f64>,
    #[serde(default)]
    #[schema(minimum = 0)]
    width: Option<f64>,
    #[serde(default)]
    #[schema(minimum = 0)]
    height: Option<f64>,
    /// Data of the client, up to 4 KiB of JSON.
    #[serde(default)]
    metadata: Option<Value>,
}

impl AnnotationInput {
    fn draft(self, index: usize) -> Result<AnnotationDraft, InvalidAnnotation> {
        let label = self.label_id.parse();
        let label = label.map_err(|_| {
            InvalidAnnotation::new(index, "label_id", "Use the ID of a label of this project.")
        })?;
        let shape = self.annotation;
        let rect = match shape.category.as_str() {
            "category" => None,
            "bounding_box" => {
                let edge = |name: &str, value: Option<f64>| {
                    let field = format!("annotation.{name}");
                    value.ok_or_else(|| InvalidAnnotation::new(index, &field, "This field is required."))
                };
                Some(Rect {
                    left: edge("left", shape.left)?,
                    top: edge("top", shape.top)?,
                    width: edge("width", shape.width)?,
                    height: edge("height", shape.height)?,
                })
            }
            _ => {
                let expected = "Use category or bounding_box.";
                return Err(InvalidAnnotation::new(index, "annotation.category", expected));
            }
        };
        Ok(AnnotationDraft { label, rect, metadata: shape.metadata.map(|value| value.to_string()) })
    }
}

/// Create annotations
///
/// Creates all annotations or none. An annotation that already exists is returned and not created again. Boxes are clipped to the
/// image. The response has an entry for each sent annotation, in the same order. A box without any area inside of the image isn't
/// kept: its entry has no `id`, and `dropReason` says why. Unknown fields are ignored.
#[utoipa::path(post, path = "/projects/{id}/annotations", tag = "Datasets", operation_id = "createAnnotations",
    request_body = CreateAnnotationsRequest,
    params(("id" = crate::api::schema::ProjectId, Path, description = "The project's ID.")),
    responses(
        (status = 200, description = "The annotations, in the order in which they were sent.", body = Vec<AnnotationBody>),
        (status = 404, description = "The project or the record doesn't exist."),
        (status = 422, description = "An annotation is invalid. `details` names it, and no annotation was created.")))]
pub async fn annotate(
    State(app): State<Shared>,
    InProject { by, project }: InProject,
    LongBody(body, _held): LongBody<CreateAnnotationsRequest>,
) -> Result<Json<Vec<AnnotationBody>>, ApiError> {
    let record = body.dataset_record_id.parse();
    let record = record.map_err(|_| ApiError::field("dataset_record_id", "Use the ID of a record."))?;
    let drafts = body.annotations.into_iter().enumerate().map(|(index, one)| one.draft(index));
    let drafts: Vec<_> = drafts.collect::<Result<_, _>>()?;
    let given = app.datasets.annotate(&by, project, record, &drafts).await?;
    Ok(Json(in_order(&given)))
}

/// Merges created and dropped annotations in the order in which they were sent.
fn in_order(given: &AnnotationOutcome) -> Vec<AnnotationBody> {
    let (mut kept, mut dropped) = (given.annotations.iter(), given.dropped.iter().peekable());
    let all = given.annotations.len() + given.dropped.len();
    (0..all)
        .filter_map(|index| match dropped.next_if(|one| one.index == index) {
            Some(one) => Some(one.into()),
            None => kept.next().map(AnnotationBody::from),
        })
        .collect()
}
