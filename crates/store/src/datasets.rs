//! The datasets of projects: images in batches, labels, and annotations.

mod annotations;
mod batches;
mod counts;
mod groups;
mod labeled;
mod labels;
mod records;
mod uploads;

pub use annotations::{Annotation, AnnotationRegion, NewAnnotation};
pub use batches::Batch;
pub use counts::ProjectCounts;
pub use groups::ImageGroup;
pub use labeled::LabeledImage;
pub use labels::{Label, NewLabel};
pub use records::{NewRecord, Record, RecordFilter};
pub use uploads::{NewUpload, Upload};
