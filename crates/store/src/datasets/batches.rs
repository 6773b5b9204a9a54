//! Batches: images that were uploaded together.

use keyrack_key::{BatchId, ProjectId, Timestamp};

use super::groups::{ImageGroup, Statements, find_or_create, group, statements};
use crate::database::query;
use crate::{AuthorizedStore, Page, Store, StoreError};

/// A batch of images.
pub type Batch = ImageGroup<BatchId>;

const STATEMENTS: Statements = statements!("batches");

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
        .fetch_list(self.readers(), |rows| rows.iter().map(group).collect())
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
        let mut db = self.write_new_data().await?;
        let batch = find_or_create(&mut db, &STATEMENTS, project, id, name, now).await?;
        db.commit().await?;
        Ok(batch)
    }
}
