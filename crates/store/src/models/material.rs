//! What a project has to learn from, in numbers: enough to say whether a training can begin.

use keyrack_key::ProjectId;

use crate::database::{self, query};
use crate::{Store, StoreError};

/// What a project has to learn from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Material {
    /// Each label, and how many pictures are of it as a whole.
    pub classified: Vec<(String, u64)>,
    /// Each label, and how many pictures have it in a box.
    pub boxed: Vec<(String, u64)>,
    /// Pictures with at least one box.
    pub marked: u64,
}

impl Store {
    /// What a project has to learn from. Labels that no picture carries are listed with none.
    pub async fn material(&self, project: ProjectId) -> Result<Material, StoreError> {
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
        let mut material = Material { marked: database::number(&marked, "marked")?, ..Material::default() };
        for row in &rows {
            let name: String = row.try_get("name")?;
            material.classified.push((name.clone(), database::number(row, "classified")?));
            material.boxed.push((name, database::number(row, "boxed")?));
        }
        Ok(material)
    }
}
