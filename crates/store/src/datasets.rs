//! What a project's models learn from: pictures in batches, and labels on them.

mod annotations;
mod batches;
mod counts;
mod labels;
mod learning;
mod records;
mod uploads;

pub use annotations::{Annotation, Mark, NewAnnotation};
pub use batches::Batch;
pub use counts::ProjectCounts;
pub use labels::{Label, NewLabel};
pub use learning::Labelled;
pub use records::{NewRecord, Record, RecordFilter};
pub use uploads::{NewUpload, Upload};
