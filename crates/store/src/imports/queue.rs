//! Which import is read next. Workspaces take turns, then the people of each.

use keyrack_key::{ImportId, ProjectId, Timestamp, UploadId, WorkspaceId};

use super::progress::end;
use super::{ImportStatus, status};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, ProjectType, Store, StoreError};

/// A server that ends this often at one and the same entry does not begin with it again.
const ATTEMPTS: u64 = 3;
const DIED: &str =
    "The server ended three times while it read the same image. Most likely it ran out of memory.";
const CUT_OFF: &str = "The archive did not arrive whole. Send it again.";

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

impl Store {
    /// Whether [`take_import`](Self::take_import) would find something. It only looks, so it may be asked often.
    pub async fn has_import(&self) -> Result<bool, StoreError> {
        let query = query("SELECT 1 FROM imports WHERE status = 'queued' LIMIT 1");
        Ok(query.fetch_optional(self.readers()).await?.is_some())
    }

    /// Takes the import whose turn it is. Workspaces take turns, the one with the fewest running imports first, then the
    /// people of each; of one of them, the import that has waited longest is first.
    pub async fn take_import(&self) -> Result<Option<ImportJob>, StoreError> {
        let mut db = self.write().await?;
        let row = query(
            "UPDATE imports SET status = 'running', attempt = attempt + 1
             WHERE id = (
                 SELECT i.id FROM imports i JOIN projects p ON p.id = i.project_id
                 LEFT JOIN import_turns own ON own.workspace_id = p.workspace_id AND own.actor = i.actor
                 WHERE i.status = 'queued'
                 ORDER BY
                     (SELECT count(*) FROM imports r JOIN projects o ON o.id = r.project_id
                      WHERE r.status = 'running' AND o.workspace_id = p.workspace_id),
                     (SELECT coalesce(max(t.turn), 0) FROM import_turns t WHERE t.workspace_id = p.workspace_id),
                     (SELECT count(*) FROM imports r JOIN projects o ON o.id = r.project_id
                      WHERE r.status = 'running' AND o.workspace_id = p.workspace_id AND r.actor = i.actor),
                     coalesce(own.turn, 0),
                     i.created_at,
                     i.id
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
        note_turn(&mut db, &row).await?;
        let job = job(&row)?;
        db.commit().await?;
        Ok(Some(job))
    }

    /// Whether a running import should give way: another workspace, or another person of its own, has an import in the
    /// queue and none running.
    pub async fn should_give_way(&self, job: &ImportJob) -> Result<bool, StoreError> {
        let waiting = query(
            "SELECT 1 FROM imports i JOIN projects p ON p.id = i.project_id
             WHERE i.status = 'queued' AND NOT EXISTS (
                 SELECT 1 FROM imports r JOIN projects o ON o.id = r.project_id
                 WHERE r.status = 'running' AND o.workspace_id = p.workspace_id
                       AND (p.workspace_id <> $1 OR r.actor = i.actor))
             LIMIT 1",
        );
        let waiting = waiting.bind(job.workspace.to_string());
        Ok(waiting.fetch_optional(self.readers()).await?.is_some())
    }

    /// Puts an import back into the queue. The attempt counts if it failed, and not if it gives way, the server
    /// stops, or the disk is full.
    pub async fn put_back_import(&self, id: ImportId, failed: bool) -> Result<(), StoreError> {
        let put_back = query(
            "UPDATE imports SET status = 'queued', attempt = max(attempt - CASE WHEN $2 THEN 0 ELSE 1 END, 0)
             WHERE id = $1 AND status = 'running'",
        );
        self.change(put_back.bind(id.to_string()).bind(failed)).await?;
        Ok(())
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
}

/// Puts the sender of an import behind all others. Turns are numbered, so that no change of the clock moves anybody.
async fn note_turn(db: &mut Connection, taken: &Row) -> Result<(), StoreError> {
    query(
        "INSERT INTO import_turns (workspace_id, actor, turn)
         VALUES ($1, $2, (SELECT coalesce(max(turn), 0) + 1 FROM import_turns))
         ON CONFLICT (workspace_id, actor) DO UPDATE SET turn = excluded.turn",
    )
    .bind(taken.try_get::<String>("workspace_id")?)
    .bind(taken.try_get::<String>("actor")?)
    .execute(db)
    .await?;
    Ok(())
}

fn job(row: &Row) -> Result<ImportJob, StoreError> {
    Ok(ImportJob {
        id: database::parsed(row, "id")?,
        workspace: database::parsed(row, "workspace_id")?,
        project: database::parsed(row, "project_id")?,
        project_type: database::parsed(row, "project_type")?,
        batch: row.try_get("batch")?,
        actor: database::parsed(row, "actor")?,
        next_entry: database::number(row, "next_entry")?,
        unpacked: database::number(row, "unpacked")?,
        attempt: database::number(row, "attempt")?,
        upload: database::parsed_if_any(row, "upload_id")?,
    })
}
