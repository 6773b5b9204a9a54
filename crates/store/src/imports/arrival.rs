//! Imports that begin: a row before the first byte of an archive, and a place in the queue once all of it has arrived.

use keyrack_key::{ImportId, ProjectId, Timestamp, WorkspaceId};

use crate::database::{self, query};
use crate::{Actor, AuthorizedStore, StoreError};

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
}

/// Who has an import under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportHolder {
    /// The project's.
    pub workspace: WorkspaceId,
    /// Who sends the archive.
    pub actor: Actor,
}

impl AuthorizedStore {
    /// Begins an import, unless `admit` denies it: it gets the holder of each import under way in all workspaces, and of the
    /// new one. Nothing else begins in between. [`StoreError::NotFound`] if there is no such project.
    pub async fn begin_import<E: Send>(
        &self,
        new: &NewImport<'_>,
        admit: impl FnOnce(&[ImportHolder], ImportHolder) -> Result<(), E> + Send,
    ) -> Result<Result<(), E>, StoreError> {
        let mut db = self.write_new_data().await?;
        let project = query("SELECT workspace_id FROM projects WHERE id = $1").bind(new.project.to_string());
        let project = project.fetch_optional(&mut *db).await?.ok_or(StoreError::NotFound)?;
        let holder =
            ImportHolder { workspace: database::parsed(&project, "workspace_id")?, actor: new.actor };
        let under_way = query(
            "SELECT p.workspace_id, i.actor FROM imports i JOIN projects p ON p.id = i.project_id
             WHERE i.status IN ('arriving', 'queued', 'running')",
        );
        let under_way: Vec<_> =
            under_way.fetch_all(&mut *db).await?.iter().map(held).collect::<Result<_, _>>()?;
        if let Err(denied) = admit(&under_way, holder) {
            return Ok(Err(denied));
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
        Ok(Ok(()))
    }

    /// Puts an import into the queue whose archive has arrived. [`StoreError::NotFound`] if it ended meanwhile, or its
    /// project did.
    pub async fn queue_import(&self, id: ImportId) -> Result<(), StoreError> {
        let queued = query("UPDATE imports SET status = 'queued' WHERE id = $1 AND status = 'arriving'");
        let changed = self.change(queued.bind(id.to_string())).await?;
        if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
    }
}

fn held(row: &database::Row) -> Result<ImportHolder, StoreError> {
    Ok(ImportHolder {
        workspace: database::parsed(row, "workspace_id")?,
        actor: database::parsed(row, "actor")?,
    })
}
