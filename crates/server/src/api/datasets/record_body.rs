//! A record as the API shows it.

use keyrack_core::datasets::upload_uri;
use keyrack_core::times::rfc3339;
use keyrack_store::{Annotation, Record};
use serde::Serialize;
use utoipa::ToSchema;

use super::AnnotationBody;

/// A picture of a project, with what is in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DatasetRecord)]
pub struct RecordBody {
    #[schema(value_type = crate::api::schema::RecordId)]
    id: String,
    #[schema(example = "cap-0001.jpg")]
    name: String,
    #[schema(value_type = crate::api::schema::ProjectId)]
    project_id: String,
    #[schema(value_type = Option<crate::api::schema::BatchId>)]
    batch_id: Option<String>,
    /// Pixels, as the picture is shown; by its bytes, as are the next three.
    width: u32,
    height: u32,
    #[schema(example = "image/jpeg")]
    content_type: String,
    /// Bytes.
    size: u64,
    /// The upload that it came through.
    source: String,
    annotations: Vec<AnnotationBody>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl RecordBody {
    pub(super) fn of(record: &Record, annotations: &[Annotation]) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name.clone(),
            project_id: record.project.to_string(),
            batch_id: record.batch.map(|id| id.to_string()),
            width: record.width,
            height: record.height,
            content_type: record.content_type.clone(),
            size: record.size,
            source: upload_uri(record.upload),
            annotations: annotations.iter().map(AnnotationBody::from).collect(),
            created_at: rfc3339(record.created_at),
        }
    }
}
