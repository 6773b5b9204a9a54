//! How far imports are: one place in an archive after the other, and the end.

use keyrack_key::{ImportId, Timestamp, UploadId};

use crate::database::{self, Connection, query};
use crate::{Store, StoreError};

/// Of the files that were left out, so many are kept by name.
const NAMED_MAX: i64 = 200;

/// What has become of the entries up to one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportStep {
    /// Entries of the archive that are done with.
    pub next_entry: u64,
    /// Bytes that came out of them.
    pub unpacked: u64,
    /// Images that were looked at since the last step.
    pub done: u64,
    /// Those of them that are records now.
    pub added: u64,
    /// What was left out since the last step, all of it counted.
    pub skipped: u64,
    /// The first of that by name.
    pub skips: Vec<ImportSkip>,
}

/// A file that an import left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSkip {
    /// Its path in the archive.
    pub name: String,
    /// Why, for people.
    pub reason: String,
}

impl Store {
    /// Writes down what has become of entries. [`StoreError::NotFound`] if the import ended, or its project did.
    pub async fn note_import_step(&self, id: ImportId, step: &ImportStep) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        advance(&mut db, id, step).await?;
        db.commit().await
    }

    /// Ends an import: `failed` says why it did not come to the archive's end. What lies below `prefix` is removed soon.
    /// Nothing happens to one that has ended.
    pub async fn end_import(
        &self,
        id: ImportId,
        last: &ImportStep,
        failed: Option<&str>,
        prefix: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        match advance(&mut db, id, last).await {
            // It ended before, or its project did.
            Err(StoreError::NotFound) => return Ok(()),
            other => other?,
        }
        end(&mut db, id, failed, now).await?;
        crate::removals::promise(&mut db, &[prefix.to_owned()], now).await?;
        db.commit().await
    }
}

/// Attempts are counted for one entry: an import that gets past it starts again at one.
async fn advance(db: &mut Connection, id: ImportId, step: &ImportStep) -> Result<(), StoreError> {
    let row = query(
        "UPDATE imports SET attempt = CASE WHEN next_entry < $2 THEN 1 ELSE attempt END, next_entry = max(next_entry, $2),
                unpacked = max(unpacked, $3), upload_id = NULL, done = done + $4, added = added + $5, skipped = skipped + $6
         WHERE id = $1 AND ended_at IS NULL
         RETURNING (SELECT count(*) FROM import_skips s WHERE s.import_id = imports.id) AS named",
    )
    .bind(id.to_string())
    .bind(database::column(step.next_entry))
    .bind(database::column(step.unpacked))
    .bind(database::column(step.done))
    .bind(database::column(step.added))
    .bind(database::column(step.skipped))
    .fetch_optional(&mut *db)
    .await?;
    let named: i64 = row.ok_or(StoreError::NotFound)?.try_get("named")?;
    for (number, skip) in (named..NAMED_MAX).zip(&step.skips) {
        query("INSERT INTO import_skips (import_id, number, name, reason) VALUES ($1, $2, $3, $4)")
            .bind(id.to_string())
            .bind(number)
            .bind(&skip.name)
            .bind(&skip.reason)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Ends an import without its last step.
pub(super) async fn end(
    db: &mut Connection,
    id: ImportId,
    failed: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE imports SET status = $2, reason = $3, ended_at = $4, upload_id = NULL WHERE id = $1")
        .bind(id.to_string())
        .bind(if failed.is_some() { "failed" } else { "ended" })
        .bind(failed)
        .bind(now.micros())
        .execute(db)
        .await?;
    Ok(())
}

/// Says that an upload is that of the entry which its import has come to.
pub(crate) async fn begin_entry(
    db: &mut Connection,
    import: ImportId,
    upload: UploadId,
) -> Result<(), StoreError> {
    let done = query("UPDATE imports SET upload_id = $2 WHERE id = $1 AND status = 'running'")
        .bind(import.to_string())
        .bind(upload.to_string())
        .execute(db)
        .await?;
    if done.rows_affected() == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}
