//! Endpoints of datasets: batches, labels, uploads, records (one for each image), and annotations.

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
mod dataset_record;
mod in_project;

use crate::api::path_ids::record_id;
use annotation_body::AnnotationBody;
use dataset_record::DatasetRecord;
use in_project::InProject;
