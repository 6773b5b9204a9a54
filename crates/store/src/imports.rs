//! Imports of image archives into a project. An import exists from before its archive's first byte arrives until some
//! weeks after its end, and survives restarts of the server.
//!
//! `arrival` creates imports, `queue` decides which one is read next, and `progress` records how far each is. This
//! file reads them for the pages and the API.

mod arrival;
mod progress;
mod queue;

use keyrack_key::{ImportId, ProjectId, Timestamp};

use crate::database::{self, Row, query};
use crate::text_enum::text_enum;
use crate::{Store, StoreError};

pub use arrival::{ImportHolder, NewImport};
pub(crate) use progress::begin_entry;
pub use progress::{ImportSkip, ImportStep};
pub use queue::ImportJob;

/// The status of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStatus {
    /// The archive is being uploaded.
    Arriving,
    /// The import waits for its turn.
    Queued,
    /// A server reads the images.
    Running,
    /// The whole archive was read.
    Ended,
    /// The import failed.
    Failed,
}

text_enum! { ImportStatus, (),
    Arriving => "arriving",
    Queued => "queued",
    Running => "running",
    Ended => "ended",
    Failed => "failed",
}

/// An import, as the pages and the API show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    pub id: ImportId,
    pub project: ProjectId,
    /// The name of the archive.
    pub name: String,
    pub status: ImportStatus,
    pub created_at: Timestamp,
    /// The time when the import ended or failed.
    pub ended_at: Option<Timestamp>,
    /// The number of images that were read.
    pub done: u64,
    /// The number of images that became records.
    pub added: u64,
    /// The number of skipped files.
    pub skipped: u64,
    /// The reason of a failure, for people.
    pub reason: Option<String>,
}

macro_rules! imports {
    ($which:literal) => {
        concat!(
            "SELECT i.id, i.project_id, i.name, i.status, i.created_at, i.ended_at, i.done, i.added, i.skipped, i.reason
             FROM imports i WHERE i.project_id = $1 AND ",
            $which
        )
    };
}

impl Store {
    /// Returns an import of a project.
    pub async fn import(&self, project: ProjectId, id: ImportId) -> Result<Option<Import>, StoreError> {
        let query = query(imports!("i.id = $2")).bind(project.to_string()).bind(id.to_string());
        query.fetch_optional(self.readers()).await?.as_ref().map(import).transpose()
    }

    /// Returns up to `limit` imports of a project that are active or ended after `then`, the newest first.
    pub async fn recent_imports(
        &self,
        project: ProjectId,
        then: Timestamp,
        limit: u32,
    ) -> Result<Vec<Import>, StoreError> {
        query(imports!(
            "(i.ended_at IS NULL OR i.ended_at > $2) ORDER BY i.created_at DESC, i.id DESC LIMIT $3"
        ))
        .bind(project.to_string())
        .bind(then.micros())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(import)
        .collect()
    }

    /// Returns the skipped files of an import, at most the first 200, in the order of the archive.
    pub async fn import_skips(&self, id: ImportId) -> Result<Vec<ImportSkip>, StoreError> {
        query("SELECT name, reason FROM import_skips WHERE import_id = $1 ORDER BY number")
            .bind(id.to_string())
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(|row| Ok(ImportSkip { name: row.try_get("name")?, reason: row.try_get("reason")? }))
            .collect()
    }

    /// Deletes imports that ended before `then`. Returns the number of deleted imports.
    pub async fn delete_imports_before(&self, then: Timestamp) -> Result<u64, StoreError> {
        self.change(query("DELETE FROM imports WHERE ended_at < $1").bind(then.micros())).await
    }
}

fn import(row: &Row) -> Result<Import, StoreError> {
    Ok(Import {
        id: database::parsed(row, "id")?,
        project: database::parsed(row, "project_id")?,
        name: row.try_get("name")?,
        status: database::parsed(row, "status")?,
        created_at: database::time(row, "created_at")?,
        ended_at: database::time_optional(row, "ended_at")?,
        done: database::number(row, "done")?,
        added: database::number(row, "added")?,
        skipped: database::number(row, "skipped")?,
        reason: row.try_get("reason")?,
    })
}
