//! Labels: the words that pictures and boxes are given.

use std::collections::HashSet;

use keyrack_key::{LabelId, ProjectId, Timestamp};
use sqlx::Row as _;

use crate::database::{self, Row};
use crate::{Store, StoreError};

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its id.
    pub id: LabelId,
    /// Byte for byte as it was sent.
    pub name: String,
    /// When it was first named.
    pub created_at: Timestamp,
    /// How many pictures carry it, on the whole or in a box.
    pub records: u64,
}

/// A label that shall be there.
#[derive(Clone, Copy, Debug)]
pub struct NewLabel<'a> {
    /// Its id, where there is none of that name yet.
    pub id: LabelId,
    /// Its name.
    pub name: &'a str,
}

macro_rules! labels {
    ($which:literal) => {
        concat!(
            "SELECT l.id, l.name, l.created_at,
                    (SELECT count(DISTINCT a.record_id) FROM annotations a WHERE a.label_id = l.id) AS records
             FROM labels l WHERE l.project_id = $1 ",
            $which
        )
    };
}

impl Store {
    /// The labels of these names, in their order; those that are missing are made.
    pub async fn make_labels(
        &self,
        project: ProjectId,
        wanted: &[NewLabel<'_>],
        now: Timestamp,
    ) -> Result<Vec<Label>, StoreError> {
        let mut db = self.write().await?;
        let mut labels = Vec::with_capacity(wanted.len());
        for new in wanted {
            sqlx::query(
                "INSERT INTO labels (id, project_id, name, created_at) SELECT $2, p.id, $3, $4 FROM projects p WHERE p.id = $1
                 ON CONFLICT (project_id, name) DO NOTHING",
            )
            .bind(project.to_string())
            .bind(new.id.to_string())
            .bind(new.name)
            .bind(now.micros())
            .execute(&mut *db)
            .await?;
            let row = sqlx::query(labels!("AND l.name = $2"))
                .bind(project.to_string())
                .bind(new.name)
                .fetch_optional(&mut *db)
                .await?
                .ok_or(StoreError::NotFound)?;
            labels.push(label(&row)?);
        }
        db.commit().await?;
        Ok(labels)
    }

    /// The ids of a project's labels, without counting what carries them.
    pub async fn label_ids(&self, project: ProjectId) -> Result<HashSet<LabelId>, StoreError> {
        sqlx::query("SELECT id FROM labels WHERE project_id = $1")
            .bind(project.to_string())
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(|row| database::parsed(row, "id"))
            .collect()
    }

    /// The labels of a project, by name.
    pub async fn labels(&self, project: ProjectId) -> Result<Vec<Label>, StoreError> {
        sqlx::query(labels!("ORDER BY l.name"))
            .bind(project.to_string())
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(label)
            .collect()
    }
}

fn label(row: &Row) -> Result<Label, StoreError> {
    Ok(Label {
        id: database::parsed(row, "id")?,
        name: row.try_get("name")?,
        created_at: database::time(row, "created_at")?,
        records: database::number(row, "records")?,
    })
}
