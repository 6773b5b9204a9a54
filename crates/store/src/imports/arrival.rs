//! Creates imports: a row before the first byte of an archive, and a place in the queue once the archive has arrived.

use keyrack_key::{ImportId, ProjectId, Timestamp, WorkspaceId};

use crate::database::{self, query};
use crate::{Actor, AuthorizedStore, StoreError};

/// An import to create, before its archive arrives.
#[derive(Clone, Copy, Debug)]
pub struct NewImport<'a> {
    pub id: ImportId,
    pub project: ProjectId,
    /// The name of the archive: 1 to 255 characters.
    pub name: &'a str,
    /// The name of the batch for the images.
    pub batch: &'a str,
    /// The actor who sends the archive.
    pub actor: Actor,
    pub now: Timestamp,
}

/// The workspace and the actor of an active import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportHolder {
    /// The workspace of the project.
    pub workspace: WorkspaceId,
    /// The actor who sends the archive.
    pub actor: Actor,
}

impl AuthorizedStore {
    /// Creates an import, unless `admit` returns an error. `admit` gets the holders of all active imports of all
    /// workspaces, and the holder of the new one. No other import is created in between. Returns
    /// [`StoreError::NotFound`] if the project doesn't exist.
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

    /// Queues an import whose archive has arrived. Returns [`StoreError::NotFound`] if the import has ended or its
    /// project was deleted.
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
