//! The response type of annotations.

use keyrack_store::{Annotation, AnnotationRegion};
use keyrack_vision::Rect;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use keyrack_core::datasets::DroppedBox;

/// A label of a whole image, or of a box in the image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Annotation)]
pub struct AnnotationBody {
    /// The ID of the annotation. Null if the annotation was dropped.
    #[schema(value_type = Option<crate::api::schema::AnnotationId>)]
    id: Option<String>,
    #[schema(value_type = crate::api::schema::LabelId)]
    label_id: String,
    /// The name of the label. Null if the annotation was dropped.
    label: Option<String>,
    annotation: AnnotationShape,
    /// Why the annotation wasn't created. Null for all annotations that exist.
    drop_reason: Option<&'static str>,
}

/// The shape of an annotation: the whole image or a box. The box is in pixels of the image after its EXIF orientation is applied.
/// Its fields are null for a whole image.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnotationShape {
    /// `category` or `bounding_box`.
    #[schema(value_type = crate::api::schema::AnnotationKind)]
    category: &'static str,
    /// The left edge of the box.
    left: Option<f64>,
    /// The top edge of the box.
    top: Option<f64>,
    width: Option<f64>,
    height: Option<f64>,
    /// Data of the client.
    metadata: Option<Value>,
}

impl AnnotationShape {
    const fn new(rect: Option<Rect>, metadata: Option<Value>) -> Self {
        match rect {
            None => Self { category: "category", left: None, top: None, width: None, height: None, metadata },
            Some(Rect { left, top, width, height }) => Self {
                category: "bounding_box",
                left: Some(left),
                top: Some(top),
                width: Some(width),
                height: Some(height),
                metadata,
            },
        }
    }
}

impl From<&Annotation> for AnnotationBody {
    fn from(annotation: &Annotation) -> Self {
        let rect = match annotation.mark {
            AnnotationRegion::Category => None,
            AnnotationRegion::Box { left, top, width, height } => Some(Rect { left, top, width, height }),
        };
        let metadata = annotation.metadata.as_deref().and_then(|json| serde_json::from_str(json).ok());
        Self {
            id: Some(annotation.id.to_string()),
            label_id: annotation.label.to_string(),
            label: Some(annotation.label_name.clone()),
            annotation: AnnotationShape::new(rect, metadata),
            drop_reason: None,
        }
    }
}

impl From<&DroppedBox> for AnnotationBody {
    fn from(dropped: &DroppedBox) -> Self {
        Self {
            id: None,
            label_id: dropped.label.to_string(),
            label: None,
            annotation: AnnotationShape::new(Some(dropped.rect), None),
            drop_reason: Some("The box must overlap the image."),
        }
    }
}
