//! Batches: images that were uploaded together.

use keyrack_key::{BatchId, ProjectId, Timestamp};

use crate::database::{self, Row, query};
use crate::{AuthorizedStore, Page, Store, StoreError, names};

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub id: BatchId,
    /// The name, unique in the project.
    pub name: String,
    pub created_at: Timestamp,
    /// The number of images. `None` if it wasn't counted; only lists of batches count.
    pub records: Option<u64>,
}

impl Store {
    /// Returns whether the project has this batch.
    pub async fn has_batch(&self, project: ProjectId, id: BatchId) -> Result<bool, StoreError> {
        let found = query("SELECT 1 FROM batches WHERE id = $1 AND project_id = $2")
            .bind(id.to_string())
            .bind(project.to_string())
            .fetch_optional(self.readers())
            .await?;
        Ok(found.is_some())
    }

    /// Returns a page of up to `limit` batches of a project, newest first, starting after the batch `after`.
    pub async fn batches(
        &self,
        project: ProjectId,
        after: Option<BatchId>,
        limit: u32,
    ) -> Result<Page<Batch, BatchId>, StoreError> {
        let items = query(
            "SELECT b.id, b.name, b.created_at, (SELECT count(*) FROM records r WHERE r.batch_id = b.id) AS records
             FROM batches b WHERE b.project_id = $1 AND ($2 IS NULL OR b.id < $2) ORDER BY b.id DESC LIMIT $3",
        )
        .bind(project.to_string())
        .bind(after.map(|id| id.to_string()))
        .bind(i64::from(limit) + 1)
        .fetch_list(self.readers(), |rows| rows.iter().map(batch).collect())
        .await?;
        Ok(Page::of(items, limit, |batch| batch.id))
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Returns the batch with this name, comparing names by their key. Creates it with the ID `id` if there is none.
    pub async fn find_or_create_batch(
        &self,
        project: ProjectId,
        id: BatchId,
        name: &str,
        now: Timestamp,
    ) -> Result<Batch, StoreError> {
        let (mut db, key) = (self.write_new_data().await?, names::name_key(name));
        query(
            "INSERT INTO batches (id, project_id, name, created_at, name_key)
             SELECT $2, p.id, $3, $4, $5 FROM projects p WHERE p.id = $1
             AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.project_id = $1 AND b.name_key = $5)",
        )
        .bind(project.to_string())
        .bind(id.to_string())
        .bind(name)
        .bind(now.micros())
        .bind(&key)
        .execute(&mut *db)
        .await?;
        // This runs for each uploaded image, so it doesn't count.
        let row = query(
            "SELECT id, name, created_at, NULL AS records FROM batches WHERE project_id = $1 AND name_key = $2
             ORDER BY name <> $3, id LIMIT 1",
        )
        .bind(project.to_string())
        .bind(&key)
        .bind(name)
        .fetch_optional(&mut *db)
        .await?
        .ok_or(StoreError::NotFound)?;
        let batch = batch(&row)?;
        db.commit().await?;
        Ok(batch)
    }
}

fn batch(row: &Row) -> Result<Batch, StoreError> {
    Ok(Batch {
        id: database::parsed(row, "id")?,
        name: row.try_get("name")?,
        created_at: database::time(row, "created_at")?,
        records: database::number_optional(row, "records")?,
    })
}
