//! The sizes of a project.

use keyrack_key::ProjectId;

use crate::database::{self, query};
use crate::{Store, StoreError};

/// The sizes of a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectCounts {
    /// The number of images.
    pub records: u64,
    /// The number of images with at least one annotation.
    pub labelled: u64,
    /// The number of labels.
    pub labels: u64,
    /// The number of models in any status.
    pub models: u64,
}

impl Store {
    /// Returns the sizes of a project.
    pub async fn project_counts(&self, project: ProjectId) -> Result<ProjectCounts, StoreError> {
        let row = query(
            "SELECT (SELECT count(*) FROM records r WHERE r.project_id = $1) AS records,
                    (SELECT count(*) FROM records r WHERE r.project_id = $1
                     AND EXISTS (SELECT 1 FROM annotations a WHERE a.record_id = r.id)) AS labelled,
                    (SELECT count(*) FROM labels l WHERE l.project_id = $1) AS labels,
                    (SELECT count(*) FROM models m WHERE m.project_id = $1) AS models",
        )
        .bind(project.to_string())
        .fetch_one(self.readers())
        .await?;
        Ok(ProjectCounts {
            records: database::number(&row, "records")?,
            labelled: database::number(&row, "labelled")?,
            labels: database::number(&row, "labels")?,
            models: database::number(&row, "models")?,
        })
    }
}
