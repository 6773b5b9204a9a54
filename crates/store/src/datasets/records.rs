//! Records: verified images of a project, with the properties that were read from their bytes.

use keyrack_key::{BatchId, LabelId, ProjectId, RecordId, Timestamp, UploadId, WorkspaceId};
use serde_json::json;

use crate::audit::{self, AuditAction, NewAuditEntry};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, AuthorizedStore, Page, Store, StoreError};

/// A record to create. Its object must already be at its final path.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    pub id: RecordId,
    pub project: ProjectId,
    /// The batch, if any.
    pub batch: Option<BatchId>,
    /// The upload that delivered the image.
    pub upload: UploadId,
    /// The name of the image file.
    pub name: &'a str,
    /// The width in pixels, after applying the orientation.
    pub width: u32,
    /// The height in pixels, after applying the orientation.
    pub height: u32,
    /// The media type of the bytes.
    pub content_type: &'a str,
    /// The file size in bytes.
    pub size: u64,
    pub actor: Actor,
    pub now: Timestamp,
}

/// An image of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: RecordId,
    pub project: ProjectId,
    /// The batch, if any.
    pub batch: Option<BatchId>,
    /// The upload that delivered the image. Its ID names the object.
    pub upload: UploadId,
    /// The name of the image file.
    pub name: String,
    /// The width in pixels, after applying the orientation.
    pub width: u32,
    /// The height in pixels, after applying the orientation.
    pub height: u32,
    /// The media type of the bytes.
    pub content_type: String,
    /// The file size in bytes.
    pub size: u64,
    pub created_at: Timestamp,
}

/// Which records to return. Conditions that are `Some` must all hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordFilter {
    pub batch: Option<BatchId>,
    /// A label of the image or of a box in it.
    pub label: Option<LabelId>,
    /// Whether the image has any annotation.
    pub labelled: Option<bool>,
}

macro_rules! records {
    ($which:literal) => {
        concat!(
            "SELECT r.id, r.project_id, r.batch_id, r.upload_id, r.name, r.width, r.height, r.content_type, r.size, r.created_at
             FROM records r WHERE r.project_id = $1 AND ",
            $which
        )
    };
}

/// Sorts after every record ID, because `g` sorts after all hexadecimal digits.
const BEHIND_ALL: &str = "rec_g";

impl Store {
    /// Returns a record of a project.
    pub async fn record(&self, project: ProjectId, id: RecordId) -> Result<Option<Record>, StoreError> {
        let mut db = self.readers().acquire().await?;
        one(&mut db, project, id).await
    }

    /// Returns the record that was created from an upload.
    pub async fn record_of_upload(
        &self,
        project: ProjectId,
        upload: UploadId,
    ) -> Result<Option<Record>, StoreError> {
        let mut db = self.readers().acquire().await?;
        of_upload(&mut db, project, upload).await
    }

    /// Returns a page of up to `limit` records, newest first, starting after the record `after`.
    pub async fn records(
        &self,
        project: ProjectId,
        filter: &RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Page<Record, RecordId>, StoreError> {
        let items = query(records!(
            "r.id < $2 AND ($3 IS NULL OR r.batch_id = $3)
             AND ($4 IS NULL OR EXISTS (SELECT 1 FROM annotations a WHERE a.record_id = r.id AND a.label_id = $4))
             AND ($5 IS NULL OR $5 = EXISTS (SELECT 1 FROM annotations a WHERE a.record_id = r.id))
             ORDER BY r.id DESC LIMIT $6"
        ))
        .bind(project.to_string())
        .bind(after.map_or_else(|| BEHIND_ALL.into(), |id| id.to_string()))
        .bind(filter.batch.map(|id| id.to_string()))
        .bind(filter.label.map(|id| id.to_string()))
        .bind(filter.labelled)
        .bind(i64::from(limit) + 1)
        .fetch_list(self.readers(), |rows| rows.iter().map(record).collect())
        .await?;
        Ok(Page::of(items, limit, |record| record.id))
    }

    /// Returns the record that was created next after this one.
    pub async fn newer_record(
        &self,
        project: ProjectId,
        than: RecordId,
    ) -> Result<Option<RecordId>, StoreError> {
        let row = query("SELECT id FROM records WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT 1")
            .bind(project.to_string())
            .bind(than.to_string())
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| database::parsed(&row, "id")).transpose()
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Creates a record and returns it with `true`, or returns the existing record of the same upload with `false`.
    /// Returns [`StoreError::NotFound`] if the batch isn't the project's.
    pub async fn create_record(&self, new: &NewRecord<'_>) -> Result<(Record, bool), StoreError> {
        let mut db = self.write_new_data().await?;
        if let Some(known) = of_upload(&mut db, new.project, new.upload).await? {
            return Ok((known, false));
        }
        if let Some(batch) = new.batch {
            let known = query("SELECT 1 FROM batches WHERE id = $1 AND project_id = $2")
                .bind(batch.to_string())
                .bind(new.project.to_string())
                .fetch_optional(&mut *db)
                .await?;
            known.ok_or(StoreError::NotFound)?;
        }
        // Fails if the upload was deleted in the meantime, by the cleanup or with its project.
        let used = query("UPDATE uploads SET used = 1 WHERE id = $1 AND project_id = $2")
            .bind(new.upload.to_string())
            .bind(new.project.to_string())
            .execute(&mut *db)
            .await?;
        if used.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        insert(&mut db, new).await?;
        let made = of_upload(&mut db, new.project, new.upload).await?.ok_or(StoreError::NotFound)?;
        db.commit().await?;
        Ok((made, true))
    }

    /// Deletes a record with its annotations. Objects under `prefixes` are scheduled for removal.
    pub async fn delete_record(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        id: RecordId,
        prefixes: &[String],
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        let record = one(&mut db, project, id).await?.ok_or(StoreError::NotFound)?;
        let entry = NewAuditEntry {
            workspace,
            at: now,
            actor,
            action: AuditAction::RecordDeleted,
            target: &id,
            detail: json!({ "name": record.name, "project": project.to_string() }),
        };
        audit::append(&mut db, &entry).await?;
        crate::removals::schedule(&mut db, prefixes, now).await?;
        query("DELETE FROM uploads WHERE id = $1")
            .bind(record.upload.to_string())
            .blocking()
            .execute(&mut *db)
            .await?;
        db.commit().await
    }
}

async fn insert(db: &mut Connection, new: &NewRecord<'_>) -> Result<(), StoreError> {
    query(
        "INSERT INTO records (id, project_id, batch_id, upload_id, name, width, height, content_type, size, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(new.id.to_string())
    .bind(new.project.to_string())
    .bind(new.batch.map(|id| id.to_string()))
    .bind(new.upload.to_string())
    .bind(new.name)
    .bind(i64::from(new.width))
    .bind(i64::from(new.height))
    .bind(new.content_type)
    .bind(database::column(new.size))
    .bind(new.now.micros())
    .bind(new.actor.to_string())
    .execute(db)
    .await?;
    Ok(())
}

async fn one(db: &mut Connection, project: ProjectId, id: RecordId) -> Result<Option<Record>, StoreError> {
    let query = query(records!("r.id = $2")).bind(project.to_string()).bind(id.to_string());
    query.fetch_optional(db).await?.as_ref().map(record).transpose()
}

async fn of_upload(
    db: &mut Connection,
    project: ProjectId,
    upload: UploadId,
) -> Result<Option<Record>, StoreError> {
    let query = query(records!("r.upload_id = $2")).bind(project.to_string()).bind(upload.to_string());
    query.fetch_optional(db).await?.as_ref().map(record).transpose()
}

fn record(row: &Row) -> Result<Record, StoreError> {
    let side = |column| {
        let side = database::number(row, column)?;
        u32::try_from(side).map_err(|_| StoreError::Corrupt { what: column })
    };
    Ok(Record {
        id: database::parsed(row, "id")?,
        project: database::parsed(row, "project_id")?,
        batch: database::parsed_optional(row, "batch_id")?,
        upload: database::parsed(row, "upload_id")?,
        name: row.try_get("name")?,
        width: side("width")?,
        height: side("height")?,
        content_type: row.try_get("content_type")?,
        size: database::number(row, "size")?,
        created_at: database::time(row, "created_at")?,
    })
}
