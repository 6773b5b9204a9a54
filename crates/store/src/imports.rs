//! Imports: archives of images on their way into a project, from before their first byte arrives until some weeks after
//! their end. A server that stops in between goes on with them.

use keyrack_key::{ImportId, ProjectId, Timestamp, UploadId, WorkspaceId};

use crate::database::{self, Connection, Row, query};
use crate::{Actor, AuthorizedStore, ProjectType, Store, StoreError};

/// A server that ends this often at one and the same entry does not begin with it again.
const ATTEMPTS: u64 = 3;
const DIED: &str =
    "The server ended three times while it read the same image. Most likely it ran out of memory.";
const CUT_OFF: &str = "The archive did not arrive whole. Send it again.";
/// Of those that were left out, the first ones are kept by name.
const NAMED_MAX: i64 = 200;

/// An import that is about to begin: none of its archive is there.
#[derive(Clone, Copy, Debug)]
pub struct NewImport<'a> {
    /// Its id.
    pub id: ImportId,
    /// Where its images go.
    pub project: ProjectId,
    /// What the archive is called: 1 to 255 characters.
    pub name: &'a str,
    /// The name of the batch that its images belong to.
    pub batch: &'a str,
    /// Who sends the archive.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// Imports of all workspaces that may be under way at once, this one among them.
    pub most: u32,
    /// The same of its own workspace.
    pub most_of_workspace: u32,
}

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

/// A file that an import left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSkip {
    /// Its path in the archive.
    pub name: String,
    /// Why, for people.
    pub reason: String,
}

/// An import that a server has taken, to read its archive from [`next_entry`](Self::next_entry) on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportJob {
    /// Its id.
    pub id: ImportId,
    /// The project's.
    pub workspace: WorkspaceId,
    /// Where its images go.
    pub project: ProjectId,
    /// What its images are given.
    pub project_type: ProjectType,
    /// The name of their batch.
    pub batch: String,
    /// Who sent the archive.
    pub actor: Actor,
    /// Entries of the archive that are done with.
    pub next_entry: u64,
    /// Bytes that came out of them.
    pub unpacked: u64,
    /// How often a server has begun with the next entry, this time among them.
    pub attempt: u64,
    /// The upload of the next entry, if a server before this one has begun with it.
    pub upload: Option<UploadId>,
}

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

/// How many imports are under way that may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportsBegun {
    /// It has begun.
    Begun,
    /// Too many of its workspace are under way.
    TooManyOfWorkspace,
    /// Too many are under way.
    TooMany,
}

macro_rules! live {
    () => {
        "i.status IN ('arriving', 'queued', 'running')"
    };
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

impl AuthorizedStore {
    /// Begins an import, unless too many are under way. [`StoreError::NotFound`] if there is no such project.
    pub async fn begin_import(&self, new: &NewImport<'_>) -> Result<ImportsBegun, StoreError> {
        let mut db = self.write_new_data().await?;
        let counts = query(concat!(
            "SELECT (SELECT count(*) FROM imports i WHERE ",
            live!(),
            ") AS live, (SELECT count(*) FROM imports i JOIN projects p ON p.id = i.project_id
                     WHERE p.workspace_id = own.workspace_id AND ",
            live!(),
            ") AS own FROM projects own WHERE own.id = $1"
        ))
        .bind(new.project.to_string())
        .fetch_optional(&mut *db)
        .await?
        .ok_or(StoreError::NotFound)?;
        if database::number(&counts, "own")? >= u64::from(new.most_of_workspace) {
            return Ok(ImportsBegun::TooManyOfWorkspace);
        }
        if database::number(&counts, "live")? >= u64::from(new.most) {
            return Ok(ImportsBegun::TooMany);
        }
        query(
            "INSERT INTO imports (id, project_id, name, batch, actor, status, created_at)
             VALUES ($1, $2, $3, $4, $5, 'arriving', $6)",
        )
        .bind(new.id.to_string())
        .bind(new.project.to_string())
        .bind(new.name)
        .bind(new.batch)
        .bind(new.actor.to_string())
        .bind(new.now.micros())
        .execute(&mut *db)
        .await?;
        db.commit().await?;
        Ok(ImportsBegun::Begun)
    }

    /// Puts an import into the queue whose archive has arrived. [`StoreError::NotFound`] if it ended meanwhile, or its
    /// project did.
    pub async fn queue_import(&self, id: ImportId) -> Result<(), StoreError> {
        let queued = query("UPDATE imports SET status = 'queued' WHERE id = $1 AND status = 'arriving'");
        let changed = self.change(queued.bind(id.to_string())).await?;
        if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
    }
}

impl Store {
    /// Whether [`take_import`](Self::take_import) would find something. It only looks, so it may be asked often.
    pub async fn has_import(&self) -> Result<bool, StoreError> {
        let query = query("SELECT 1 FROM imports WHERE status = 'queued' LIMIT 1");
        Ok(query.fetch_optional(self.readers()).await?.is_some())
    }

    /// Takes the import that has waited longest, of the workspace that has the fewest running.
    pub async fn take_import(&self) -> Result<Option<ImportJob>, StoreError> {
        let mut db = self.write().await?;
        let row = query(
            "UPDATE imports SET status = 'running', attempt = attempt + 1
             WHERE id = (SELECT i.id FROM imports i JOIN projects p ON p.id = i.project_id WHERE i.status = 'queued'
                         ORDER BY (SELECT count(*) FROM imports r JOIN projects o ON o.id = r.project_id
                                   WHERE r.status = 'running' AND o.workspace_id = p.workspace_id), i.created_at, i.id
                         LIMIT 1)
             RETURNING id",
        )
        .fetch_optional(&mut *db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id: ImportId = database::parsed(&row, "id")?;
        let row = query(
            "SELECT i.id, p.workspace_id, i.project_id, p.project_type, i.batch, i.actor, i.next_entry, i.unpacked, i.attempt,
                    i.upload_id
             FROM imports i JOIN projects p ON p.id = i.project_id WHERE i.id = $1",
        )
        .bind(id.to_string())
        .fetch_one(&mut *db)
        .await?;
        let job = ImportJob {
            id,
            workspace: database::parsed(&row, "workspace_id")?,
            project: database::parsed(&row, "project_id")?,
            project_type: database::parsed(&row, "project_type")?,
            batch: row.try_get("batch")?,
            actor: database::parsed(&row, "actor")?,
            next_entry: database::number(&row, "next_entry")?,
            unpacked: database::number(&row, "unpacked")?,
            attempt: database::number(&row, "attempt")?,
            upload: database::parsed_if_any(&row, "upload_id")?,
        };
        db.commit().await?;
        Ok(Some(job))
    }

    /// Writes down what has become of entries. [`StoreError::NotFound`] if the import ended, or its project did.
    pub async fn note_import_step(&self, id: ImportId, step: &ImportStep) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        advance(&mut db, id, step).await?;
        db.commit().await
    }

    /// Puts an import back into the queue. The attempt counts if it failed, and not if the server stops or its disk is full.
    pub async fn put_back_import(&self, id: ImportId, failed: bool) -> Result<(), StoreError> {
        let put_back = query(
            "UPDATE imports SET status = 'queued', attempt = max(attempt - CASE WHEN $2 THEN 0 ELSE 1 END, 0)
             WHERE id = $1 AND status = 'running'",
        );
        self.change(put_back.bind(id.to_string()).bind(failed)).await?;
        Ok(())
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

    /// For a server that starts: imports that were running wait again, unless servers ended too often at the same entry;
    /// archives that were arriving will not arrive. What lies below the `prefix` of those that end by this is removed soon.
    pub async fn recover_imports(
        &self,
        now: Timestamp,
        prefix: impl Fn(ProjectId, ImportId) -> String,
    ) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        let rows = query(
            "SELECT id, project_id, status, attempt FROM imports WHERE status IN ('arriving', 'running')",
        )
        .fetch_all(&mut *db)
        .await?;
        for row in &rows {
            let id: ImportId = database::parsed(row, "id")?;
            let reason = match status(row)? {
                ImportStatus::Arriving => Some(CUT_OFF),
                _ if database::number(row, "attempt")? >= ATTEMPTS => Some(DIED),
                _ => None,
            };
            match reason {
                Some(reason) => {
                    end(&mut db, id, Some(reason), now).await?;
                    let prefix = prefix(database::parsed(row, "project_id")?, id);
                    crate::removals::promise(&mut db, &[prefix], now).await?;
                }
                None => {
                    query("UPDATE imports SET status = 'queued' WHERE id = $1")
                        .bind(id.to_string())
                        .execute(&mut *db)
                        .await?;
                }
            }
        }
        db.commit().await
    }

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

/// Whoever gets past an entry has its attempts counted from the start again.
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

async fn end(
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
