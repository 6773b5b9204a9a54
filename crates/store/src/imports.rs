//! Imports: archives of images on their way into a project, from before their first byte arrives until some weeks after
//! their end. A server that stops in between continues with them.
//!
//! `arrival` begins them, `queue` decides which one is read next, `progress` records how far each is. Here is how they
//! are shown.

mod arrival;
mod progress;
mod queue;

use keyrack_key::{ImportId, ProjectId, Timestamp};

use crate::database::{self, Row, query};
use crate::{Store, StoreError};

pub use arrival::{ImportHolder, NewImport};
pub(crate) use progress::begin_entry;
pub use progress::{ImportSkip, ImportStep};
pub use queue::ImportJob;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStatus {
    /// Its archive is on its way to the server.
    Arriving,
    /// It waits for its turn, or for a server.
    Queued,
    /// Its images are read.
    Running,
    /// It has come to the archive's end.
    Ended,
    /// It ended before that.
    Failed,
}

/// An import as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Where its images go.
    pub project: ProjectId,
    /// What the archive is called.
    pub name: String,
    /// How far it is.
    pub status: ImportStatus,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended or failed.
    pub ended_at: Option<Timestamp>,
    /// Images that were looked at.
    pub done: u64,
    /// Those of them that are records now.
    pub added: u64,
    /// Files that were left out.
    pub skipped: u64,
    /// Why it failed, for people.
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
    /// An import into a project.
    pub async fn import(&self, project: ProjectId, id: ImportId) -> Result<Option<Import>, StoreError> {
        let query = query(imports!("i.id = $2")).bind(project.to_string()).bind(id.to_string());
        query.fetch_optional(self.readers()).await?.as_ref().map(import).transpose()
    }

    /// The imports into a project that are under way, or ended after `then`: the newest first, up to `limit`.
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

    /// What an import left out, the first 200 of it, in the order in which it was found.
    pub async fn import_skips(&self, id: ImportId) -> Result<Vec<ImportSkip>, StoreError> {
        query("SELECT name, reason FROM import_skips WHERE import_id = $1 ORDER BY number")
            .bind(id.to_string())
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(|row| Ok(ImportSkip { name: row.try_get("name")?, reason: row.try_get("reason")? }))
            .collect()
    }

    /// Forgets imports that ended before `then`, and says how many.
    pub async fn forget_imports(&self, then: Timestamp) -> Result<u64, StoreError> {
        self.change(query("DELETE FROM imports WHERE ended_at < $1").bind(then.micros())).await
    }
}

fn import(row: &Row) -> Result<Import, StoreError> {
    Ok(Import {
        id: database::parsed(row, "id")?,
        project: database::parsed(row, "project_id")?,
        name: row.try_get("name")?,
        status: status(row)?,
        created_at: database::time(row, "created_at")?,
        ended_at: database::time_if_any(row, "ended_at")?,
        done: database::number(row, "done")?,
        added: database::number(row, "added")?,
        skipped: database::number(row, "skipped")?,
        reason: row.try_get("reason")?,
    })
}

fn status(row: &Row) -> Result<ImportStatus, StoreError> {
    match row.try_get("status")? {
        "arriving" => Ok(ImportStatus::Arriving),
        "queued" => Ok(ImportStatus::Queued),
        "running" => Ok(ImportStatus::Running),
        "ended" => Ok(ImportStatus::Ended),
        "failed" => Ok(ImportStatus::Failed),
        _ => Err(StoreError::Corrupt { what: "status" }),
    }
}
