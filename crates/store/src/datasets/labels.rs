//! Labels: the names that annotations give to images and boxes.

use std::collections::BTreeSet;

use keyrack_key::{LabelId, ProjectId, Timestamp};

use crate::database::{self, Row, query};
use crate::{AuthorizedStore, Page, Store, StoreError, names};

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub id: LabelId,
    /// The name, byte for byte as it was sent.
    pub name: String,
    pub created_at: Timestamp,
    /// The number of images with this label, on the whole or in a box. `None` if it wasn't counted;
    /// only lists of labels count.
    pub records: Option<u64>,
}

/// A label to find or create.
#[derive(Clone, Copy, Debug)]
pub struct NewLabel<'a> {
    /// The ID, if the label is created.
    pub id: LabelId,
    pub name: &'a str,
}

impl Store {
    /// Returns those of the given labels that belong to the project.
    pub async fn known_labels(
        &self,
        project: ProjectId,
        asked: &BTreeSet<LabelId>,
    ) -> Result<BTreeSet<LabelId>, StoreError> {
        let mut db = self.read().await?;
        let mut known = BTreeSet::new();
        for label in asked {
            let found = query("SELECT 1 FROM labels WHERE project_id = $1 AND id = $2")
                .bind(project.to_string())
                .bind(label.to_string())
                .fetch_optional(&mut *db)
                .await?;
            known.extend(found.map(|_| *label));
        }
        Ok(known)
    }

    /// Returns a page of up to `limit` labels of a project, sorted by name, starting after the label `after`.
    pub async fn labels(
        &self,
        project: ProjectId,
        after: Option<LabelId>,
        limit: u32,
    ) -> Result<Page<Label, LabelId>, StoreError> {
        let items = query(
            "SELECT l.id, l.name, l.created_at,
                    (SELECT count(DISTINCT a.record_id) FROM annotations a WHERE a.label_id = l.id) AS records
             FROM labels l WHERE l.project_id = $1
             AND ($2 IS NULL OR l.name > (SELECT name FROM labels WHERE project_id = $1 AND id = $2))
             ORDER BY l.name LIMIT $3",
        )
        .bind(project.to_string())
        .bind(after.map(|id| id.to_string()))
        .bind(i64::from(limit) + 1)
        .fetch_list(self.readers(), |rows| rows.iter().map(label).collect())
        .await?;
        Ok(Page::of(items, limit, |label| label.id))
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Returns the labels with these names, in order, and creates missing ones. Names with the same key are the same
    /// label. Each label is returned with the name that was sent.
    pub async fn find_or_create_labels(
        &self,
        project: ProjectId,
        wanted: &[NewLabel<'_>],
        now: Timestamp,
    ) -> Result<Vec<Label>, StoreError> {
        let mut db = self.write_new_data().await?;
        let mut labels = Vec::with_capacity(wanted.len());
        for new in wanted {
            let key = names::name_key(new.name);
            query(
                "INSERT INTO labels (id, project_id, name, created_at, name_key)
                 SELECT $2, p.id, $3, $4, $5 FROM projects p WHERE p.id = $1
                 AND NOT EXISTS (SELECT 1 FROM labels l WHERE l.project_id = $1 AND l.name_key = $5)",
            )
            .bind(project.to_string())
            .bind(new.id.to_string())
            .bind(new.name)
            .bind(now.micros())
            .bind(&key)
            .execute(&mut *db)
            .await?;
            // This runs for each uploaded image, so it doesn't count.
            let row = query(
                "SELECT id, name, created_at, NULL AS records FROM labels WHERE project_id = $1 AND name_key = $2
                 ORDER BY name <> $3, id LIMIT 1",
            )
            .bind(project.to_string())
            .bind(&key)
            .bind(new.name)
            .fetch_optional(&mut *db)
            .await?
            .ok_or(StoreError::NotFound)?;
            // Clients look up a label by the name that they sent.
            labels.push(Label { name: new.name.to_owned(), ..label(&row)? });
        }
        db.commit().await?;
        Ok(labels)
    }
}

fn label(row: &Row) -> Result<Label, StoreError> {
    Ok(Label {
        id: database::parsed(row, "id")?,
        name: row.try_get("name")?,
        created_at: database::time(row, "created_at")?,
        records: database::number_optional(row, "records")?,
    })
}
