//! The common part of batches and labels. Both group images of a project, and clients refer to both by name.

use std::fmt::Display;
use std::str::FromStr;

use keyrack_key::{ProjectId, Timestamp};

use crate::database::{self, Connection, Row, query};
use crate::{StoreError, names};

/// A named group of images of a project: a [`Batch`](super::Batch) or a [`Label`](super::Label).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageGroup<Id> {
    pub id: Id,
    /// The name, byte for byte as it was sent. A project has no two groups whose names have the same key.
    pub name: String,
    pub created_at: Timestamp,
    /// The number of images in the batch, or of images with the label on the whole or in a box. `None` if it wasn't
    /// counted; only lists count.
    pub records: Option<u64>,
}

/// The statements that create and find a group by name.
pub(super) struct Statements {
    pub insert: &'static str,
    pub select: &'static str,
}

/// Builds the [`Statements`] for a table.
macro_rules! statements {
    ($table:literal) => {
        Statements {
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (id, project_id, name, created_at, name_key)
                 SELECT $2, p.id, $3, $4, $5 FROM projects p WHERE p.id = $1
                 AND NOT EXISTS (SELECT 1 FROM ",
                $table,
                " g WHERE g.project_id = $1 AND g.name_key = $5)"
            ),
            // This runs for each uploaded image, so it doesn't count.
            select: concat!(
                "SELECT id, name, created_at, NULL AS records FROM ",
                $table,
                " WHERE project_id = $1 AND name_key = $2 ORDER BY name <> $3, id LIMIT 1"
            ),
        }
    };
}
pub(super) use statements;

/// Returns the group with this name, comparing names by their key. Creates the group with the ID `id` if there is
/// none. Returns [`StoreError::NotFound`] if the project doesn't exist.
pub(super) async fn find_or_create<Id: Display + FromStr>(
    db: &mut Connection,
    statements: &Statements,
    project: ProjectId,
    id: Id,
    name: &str,
    now: Timestamp,
) -> Result<ImageGroup<Id>, StoreError> {
    let key = names::name_key(name);
    query(statements.insert)
        .bind(project.to_string())
        .bind(id.to_string())
        .bind(name)
        .bind(now.micros())
        .bind(&key)
        .execute(&mut *db)
        .await?;
    let row = query(statements.select)
        .bind(project.to_string())
        .bind(&key)
        .bind(name)
        .fetch_optional(db)
        .await?
        .ok_or(StoreError::NotFound)?;
    group(&row)
}

pub(super) fn group<Id: FromStr>(row: &Row) -> Result<ImageGroup<Id>, StoreError> {
    Ok(ImageGroup {
        id: database::parsed(row, "id")?,
        name: row.try_get("name")?,
        created_at: database::time(row, "created_at")?,
        records: database::number_optional(row, "records")?,
    })
}
