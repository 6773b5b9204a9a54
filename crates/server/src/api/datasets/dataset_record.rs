//! The response type of records.

use keyrack_core::datasets::upload_uri;
use keyrack_core::times::rfc3339;
use keyrack_store::{Annotation, Record};
use serde::Serialize;
use utoipa::ToSchema;

use super::AnnotationBody;

/// The record of an image in a dataset, with its annotations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatasetRecord {
    #[schema(value_type = crate::api::schema::RecordId)]
    id: String,
    #[schema(example = "cap-0001.jpg")]
    name: String,
    #[schema(value_type = crate::api::schema::ProjectId)]
    project_id: String,
    #[schema(value_type = Option<crate::api::schema::BatchId>)]
    batch_id: Option<String>,
    /// The width in pixels, after the EXIF orientation is applied.
    width: u32,
    /// The height in pixels, after the EXIF orientation is applied.
    height: u32,
    /// The media type. The server detects it from the bytes of the image.
    #[schema(example = "image/jpeg")]
    content_type: String,
    /// The size of the file in bytes.
    size: u64,
    /// The `uri` of the upload.
    source: String,
    annotations: Vec<AnnotationBody>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl DatasetRecord {
    pub(super) fn new(record: &Record, annotations: &[Annotation]) -> Self {
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
