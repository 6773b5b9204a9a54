//! Decides which import is read next. Workspaces take turns, then the people of each.

use keyrack_key::{ImportId, ProjectId, Timestamp, UploadId, WorkspaceId};

use super::ImportStatus;
use super::progress::end;
use crate::database::{self, Row, query};
use crate::queue_turns::move_to_end_of;
use crate::{Actor, ProjectType, Store, StoreError};

/// After this many crashes at the same entry, the import fails.
const ATTEMPTS: u64 = 3;
const DIED: &str =
    "The server stopped three times while it read the same image, most likely because it ran out of memory.";
const CUT_OFF: &str = "The archive is incomplete. Send it again.";

/// An import that a server has taken, to read its archive from [`next_entry`](Self::next_entry) on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportJob {
    pub id: ImportId,
    /// The workspace of the project.
    pub workspace: WorkspaceId,
    pub project: ProjectId,
    /// The task of the project, which determines the kind of labels.
    pub project_type: ProjectType,
    /// The name of the batch for the images.
    pub batch: String,
    /// The actor who sent the archive.
    pub actor: Actor,
    /// The number of finished entries of the archive.
    pub next_entry: u64,
    /// The number of bytes that were uncompressed from finished entries.
    pub unpacked: u64,
    /// The number of attempts at the next entry, including this one.
    pub attempt: u64,
    /// The upload of the next entry, if an earlier attempt has created it.
    pub upload: Option<UploadId>,
}

impl Store {
    /// Returns whether [`take_import`](Self::take_import) would return an import. It only
    /// reads, so callers may poll it.
    pub async fn has_import(&self) -> Result<bool, StoreError> {
        let query = query("SELECT 1 FROM imports WHERE status = 'queued' LIMIT 1");
        Ok(query.fetch_optional(self.readers()).await?.is_some())
    }

    /// Takes the next import from the queue. Workspaces take turns, those with the fewest running imports first, then
    /// the people of each workspace, and each of these by age.
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
        let job = job(&row)?;
        query(move_to_end_of!("import_turns"))
            .bind(job.workspace.to_string())
            .bind(job.actor.to_string())
            .execute(&mut *db)
            .await?;
        db.commit().await?;
        Ok(Some(job))
    }

    /// Returns whether a running import should yield: another workspace, or another person of its own, has a queued
    /// import and none running.
    pub async fn should_yield(&self, job: &ImportJob) -> Result<bool, StoreError> {
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

    /// Requeues an import. The attempt counts if it `failed`, but not if the import yields, the server
    /// stops, or the disk is full.
    pub async fn requeue_import(&self, id: ImportId, failed: bool) -> Result<(), StoreError> {
        let put_back = query(
            "UPDATE imports SET status = 'queued', attempt = max(attempt - CASE WHEN $2 THEN 0 ELSE 1 END, 0)
             WHERE id = $1 AND status = 'running'",
        );
        self.change(put_back.bind(id.to_string()).bind(failed)).await?;
        Ok(())
    }

    /// Recovers imports when a server starts: requeues running imports, unless they crashed too often at the same
    /// entry, and fails imports whose upload was interrupted. For failed imports, objects under their `prefix` are
    /// scheduled for removal.
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
            let reason = match database::parsed(row, "status")? {
                ImportStatus::Arriving => Some(CUT_OFF),
                _ if database::number(row, "attempt")? >= ATTEMPTS => Some(DIED),
                _ => None,
            };
            match reason {
                Some(reason) => {
                    end(&mut db, id, Some(reason), now).await?;
                    let prefix = prefix(database::parsed(row, "project_id")?, id);
                    crate::removals::schedule(&mut db, &[prefix], now).await?;
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
        upload: database::parsed_optional(row, "upload_id")?,
    })
}
