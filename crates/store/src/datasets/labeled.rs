//! The labeled images of a project, for training.

use keyrack_key::{LabelId, ProjectId, RecordId, UploadId};

use super::AnnotationRegion;
use super::annotations::mark;
use crate::database::{self, query};
use crate::{Store, StoreError};

/// An image with its annotations.
#[derive(Clone, Debug, PartialEq)]
pub struct LabeledImage {
    pub record: RecordId,
    /// The upload, whose ID names the object.
    pub upload: UploadId,
    /// The annotations, at least one.
    pub marks: Vec<(LabelId, AnnotationRegion)>,
}

impl Store {
    /// Returns all images of a project with at least one annotation, the oldest first.
    pub async fn labeled_images(&self, project: ProjectId) -> Result<Vec<LabeledImage>, StoreError> {
        let rows = query(
            r#"SELECT r.id, r.upload_id, a.label_id, a.category, a."left", a.top, a.width, a.height
               FROM records r JOIN annotations a ON a.record_id = r.id WHERE r.project_id = $1 ORDER BY r.id, a.id"#,
        )
        .bind(project.to_string())
        .fetch_all(self.readers())
        .await?;
        let mut all: Vec<LabeledImage> = Vec::new();
        for row in &rows {
            let record = database::parsed(row, "id")?;
            let is_another = all.last().is_none_or(|last| last.record != record);
            if is_another {
                all.push(LabeledImage {
                    record,
                    upload: database::parsed(row, "upload_id")?,
                    marks: Vec::new(),
                });
            }
            if let Some(last) = all.last_mut() {
                last.marks.push((database::parsed(row, "label_id")?, mark(row)?));
            }
        }
        Ok(all)
    }
}
