//! Labels: the names that annotations give to images and boxes.

use std::collections::BTreeSet;

use keyrack_key::{LabelId, ProjectId, Timestamp};

use super::groups::{ImageGroup, Statements, find_or_create, group, statements};
use crate::database::query;
use crate::{AuthorizedStore, Page, Store, StoreError};

/// A label of images and boxes.
pub type Label = ImageGroup<LabelId>;

const STATEMENTS: Statements = statements!("labels");

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
        labels: &BTreeSet<LabelId>,
    ) -> Result<BTreeSet<LabelId>, StoreError> {
        let mut db = self.read().await?;
        let mut known = BTreeSet::new();
        for label in labels {
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
        .fetch_list(self.readers(), |rows| rows.iter().map(group).collect())
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
        new: &[NewLabel<'_>],
        now: Timestamp,
    ) -> Result<Vec<Label>, StoreError> {
        let mut db = self.write_new_data().await?;
        let mut labels = Vec::with_capacity(new.len());
        for new in new {
            let label = find_or_create(&mut db, &STATEMENTS, project, new.id, new.name, now).await?;
            // Clients look up a label by the name that they sent.
            labels.push(Label { name: new.name.to_owned(), ..label });
        }
        db.commit().await?;
        Ok(labels)
    }
}
