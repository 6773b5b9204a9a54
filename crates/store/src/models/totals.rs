//! Counts a project's annotations, to check whether a training can start.

use keyrack_key::ProjectId;

use crate::database::{self, query};
use crate::{Store, StoreError};

/// The number of annotated images of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnotationTotals {
    /// The number of images of each label as a whole.
    pub classified: Vec<(String, u64)>,
    /// The number of images of each label in a box.
    pub boxed: Vec<(String, u64)>,
    /// The number of images with at least one box.
    pub marked: u64,
}

impl Store {
    /// Counts the annotated images of a project. Labels without images are included.
    pub async fn annotation_totals(&self, project: ProjectId) -> Result<AnnotationTotals, StoreError> {
        let mut db = self.read().await?;
        let rows = query(
            "SELECT l.name,
                    (SELECT count(*) FROM annotations a WHERE a.label_id = l.id AND a.category = 'category') AS classified,
                    (SELECT count(DISTINCT a.record_id) FROM annotations a
                     WHERE a.label_id = l.id AND a.category = 'bounding_box') AS boxed
             FROM labels l WHERE l.project_id = $1 ORDER BY l.name",
        )
        .bind(project.to_string())
        .fetch_all(&mut *db)
        .await?;
        let marked = query(
            "SELECT count(*) AS marked FROM records r WHERE r.project_id = $1
             AND EXISTS (SELECT 1 FROM annotations a WHERE a.record_id = r.id AND a.category = 'bounding_box')",
        )
        .bind(project.to_string())
        .fetch_one(&mut *db)
        .await?;
        let mut material =
            AnnotationTotals { marked: database::number(&marked, "marked")?, ..AnnotationTotals::default() };
        for row in &rows {
            let name: String = row.try_get("name")?;
            material.classified.push((name.clone(), database::number(row, "classified")?));
            material.boxed.push((name, database::number(row, "boxed")?));
        }
        Ok(material)
    }
}
