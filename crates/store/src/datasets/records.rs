//! Records: pictures that are there, checked, with what their bytes said.

use keyrack_key::{BatchId, LabelId, ProjectId, RecordId, Timestamp, UploadId, WorkspaceId};
use serde_json::json;

use crate::audit::{self, AuditAction, Happened};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, AuthorizedStore, Page, Store, StoreError};

/// A record that is about to be made: its object lies where it shall stay.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// Its id.
    pub id: RecordId,
    /// Where it belongs.
    pub project: ProjectId,
    /// The batch that it came with.
    pub batch: Option<BatchId>,
    /// The place that it came through.
    pub upload: UploadId,
    /// What its file was called.
    pub name: &'a str,
    /// Pixels from left to right, as it is shown.
    pub width: u32,
    /// Pixels from top to bottom, as it is shown.
    pub height: u32,
    /// What its bytes are.
    pub content_type: &'a str,
    /// Bytes.
    pub size: u64,
    /// Who made it.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// A picture of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Where it belongs.
    pub project: ProjectId,
    /// The batch that it came with.
    pub batch: Option<BatchId>,
    /// The place that it came through; its object lies under this id.
    pub upload: UploadId,
    /// What its file was called.
    pub name: String,
    /// Pixels from left to right, as it is shown.
    pub width: u32,
    /// Pixels from top to bottom, as it is shown.
    pub height: u32,
    /// What its bytes are.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which records.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordFilter {
    /// Those of this batch.
    pub batch: Option<BatchId>,
    /// Those that carry this label, on the whole or in a box.
    pub label: Option<LabelId>,
    /// Those with any label, or those with none.
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

/// Behind every id of a record: `g` comes after all hexadecimal digits.
const BEHIND_ALL: &str = "rec_g";

impl Store {
    /// A record of a project.
    pub async fn record(&self, project: ProjectId, id: RecordId) -> Result<Option<Record>, StoreError> {
        let mut db = self.readers().acquire().await?;
        one(&mut db, project, id).await
    }

    /// The record that was made of an upload.
    pub async fn record_of_upload(
        &self,
        project: ProjectId,
        upload: UploadId,
    ) -> Result<Option<Record>, StoreError> {
        let mut db = self.readers().acquire().await?;
        of_upload(&mut db, project, upload).await
    }

    /// Up to `limit` records, newest first; those older than `after`, where the page before ended.
    pub async fn records(
        &self,
        project: ProjectId,
        filter: &RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Page<Record, RecordId>, StoreError> {
        let rows = query(records!(
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
        .fetch_all(self.readers())
        .await?;
        let items: Vec<Record> = rows.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Page::of(items, limit, |record| record.id))
    }

    /// The record that was made after this one.
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

/// Each verifies within its transaction that the principal may still write.
impl AuthorizedStore {
    /// Makes a record, or finds the one that was made of this upload before: `true` where it is new.
    /// A batch that is none of the project's is [`StoreError::NotFound`].
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
        // Also the proof that the upload is still promised: a sweep or the end of the project may have been faster.
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

    /// Deletes a record with its annotations. What lies below `prefixes` is removed soon.
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
        let happened = Happened {
            workspace,
            at: now,
            actor,
            action: AuditAction::RecordDeleted,
            target: &id,
            detail: json!({ "name": record.name, "project": project.to_string() }),
        };
        audit::append(&mut db, &happened).await?;
        crate::removals::promise(&mut db, prefixes, now).await?;
        query("DELETE FROM uploads WHERE id = $1")
            .bind(record.upload.to_string())
            .aside()
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
        batch: database::parsed_if_any(row, "batch_id")?,
        upload: database::parsed(row, "upload_id")?,
        name: row.try_get("name")?,
        width: side("width")?,
        height: side("height")?,
        content_type: row.try_get("content_type")?,
        size: database::number(row, "size")?,
        created_at: database::time(row, "created_at")?,
    })
}
