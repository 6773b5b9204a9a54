//! Records the progress and the end of imports.

use keyrack_key::{ImportId, Timestamp, UploadId};

use crate::database::{self, Connection, query};
use crate::{Store, StoreError};

/// The most skipped files that are listed by name.
const NAMED_MAX: i64 = 200;

/// The progress of an import since the last report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportStep {
    /// The number of finished entries of the archive.
    pub next_entry: u64,
    /// The number of bytes that were uncompressed from finished entries.
    pub unpacked: u64,
    /// The number of images that were read since the last report.
    pub done: u64,
    /// The number of these images that became records.
    pub added: u64,
    /// The number of files that were skipped since the last report.
    pub skipped: u64,
    /// The first skipped files.
    pub skips: Vec<ImportSkip>,
}

/// A file that an import skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSkip {
    /// The path in the archive.
    pub name: String,
    /// The reason, for people.
    pub reason: String,
}

impl Store {
    /// Records progress. Returns [`StoreError::NotFound`] if the import has ended or its project was deleted.
    pub async fn record_import_step(&self, id: ImportId, step: &ImportStep) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        advance(&mut db, id, step).await?;
        db.commit().await
    }

    /// Ends an import. `failed` is the reason of a failure. Objects under `prefix` are scheduled for removal. Does
    /// nothing if the import has already ended.
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
            // The import has ended or its project was deleted.
            Err(StoreError::NotFound) => return Ok(()),
            other => other?,
        }
        end(&mut db, id, failed, now).await?;
        crate::removals::schedule(&mut db, &[prefix.to_owned()], now).await?;
        db.commit().await
    }
}

/// Records progress. Moving past an entry resets the number of attempts to one.
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

/// Ends an import without recording progress.
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

/// Records the upload of an import's next entry.
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
