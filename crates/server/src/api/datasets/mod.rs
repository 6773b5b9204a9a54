//! What a project's models learn from: batches and labels, uploads, records of pictures, and what is in them.

pub mod annotate;
pub mod annotation_delete;
pub mod batches;
pub mod image;
pub mod labels;
pub mod record;
pub mod record_create;
pub mod record_delete;
pub mod records;
pub mod upload;

mod annotation_body;
mod in_project;
mod record_body;

use annotation_body::AnnotationBody;
use in_project::InProject;
use keyrack_core::OpError;
use keyrack_key::RecordId;
use record_body::RecordBody;

/// An id from a path. What is no id names nothing.
fn record_id(text: &str) -> Result<RecordId, OpError> {
    text.parse().map_err(|_| OpError::NotFound("record"))
}
