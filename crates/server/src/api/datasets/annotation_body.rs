//! An annotation as the API shows it.

use keyrack_core::datasets::Dropped;
use keyrack_store::{Annotation, AnnotationRegion};
use keyrack_vision::Rect;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What is in a picture, on the whole or in a box.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Annotation)]
pub struct AnnotationBody {
    /// Null where nothing was kept.
    #[schema(value_type = Option<crate::api::schema::AnnotationId>)]
    id: Option<String>,
    #[schema(value_type = crate::api::schema::LabelId)]
    label_id: String,
    /// What the label is called.
    label: Option<String>,
    annotation: PlaceBody,
    /// Why nothing was kept, for a box that has no area within the picture. Null otherwise.
    dropped: Option<&'static str>,
}

/// Where it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnnotationShape)]
pub struct PlaceBody {
    /// `category` or `bounding_box`.
    #[schema(value_type = crate::api::schema::AnnotationKind)]
    category: &'static str,
    /// Pixels of the picture as it is shown; null for a category, as are the next three.
    left: Option<f64>,
    top: Option<f64>,
    width: Option<f64>,
    height: Option<f64>,
    /// What the client keeps beside it.
    metadata: Option<Value>,
}

impl PlaceBody {
    const fn of(rect: Option<Rect>, metadata: Option<Value>) -> Self {
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
            annotation: PlaceBody::of(rect, metadata),
            dropped: None,
        }
    }
}

impl From<&Dropped> for AnnotationBody {
    fn from(dropped: &Dropped) -> Self {
        Self {
            id: None,
            label_id: dropped.label.to_string(),
            label: None,
            annotation: PlaceBody::of(Some(dropped.rect), None),
            dropped: Some("no area of the box lies within the picture"),
        }
    }
}
