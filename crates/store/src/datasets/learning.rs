//! What a training learns from.

use keyrack_key::{LabelId, ProjectId, RecordId, UploadId};

use super::Mark;
use super::annotations::mark;
use crate::database::{self, query};
use crate::{Store, StoreError};

/// A picture with what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The picture.
    pub record: RecordId,
    /// Its object lies under this id.
    pub upload: UploadId,
    /// What is in it, at least one thing.
    pub marks: Vec<(LabelId, Mark)>,
}

impl Store {
    /// All pictures of a project that carry a label, the oldest first.
    pub async fn labelled(&self, project: ProjectId) -> Result<Vec<Labelled>, StoreError> {
        let rows = query(
            r#"SELECT r.id, r.upload_id, a.label_id, a.category, a."left", a.top, a.width, a.height
               FROM records r JOIN annotations a ON a.record_id = r.id WHERE r.project_id = $1 ORDER BY r.id, a.id"#,
        )
        .bind(project.to_string())
        .fetch_all(self.readers())
        .await?;
        let mut all: Vec<Labelled> = Vec::new();
        for row in &rows {
            let record = database::parsed(row, "id")?;
            let is_another = all.last().is_none_or(|last| last.record != record);
            if is_another {
                all.push(Labelled { record, upload: database::parsed(row, "upload_id")?, marks: Vec::new() });
            }
            if let Some(last) = all.last_mut() {
                last.marks.push((database::parsed(row, "label_id")?, mark(row)?));
            }
        }
        Ok(all)
    }
}
