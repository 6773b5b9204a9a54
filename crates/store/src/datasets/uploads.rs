//! Uploads: places for pictures that are on their way. No object lies anywhere without a row that knows of it.

use keyrack_key::{Digest, ProjectId, Timestamp, UploadId, WorkspaceId};

use crate::database::{self, Row, query};
use crate::{Actor, Store, StoreError};

/// A place for one picture.
#[derive(Clone, Copy, Debug)]
pub struct NewUpload {
    /// Its id.
    pub id: UploadId,
    /// The project that the picture is for.
    pub project: ProjectId,
    /// Who asked. If it was a key, the key must still live when the picture comes.
    pub actor: Actor,
    /// SHA-256 of the token that opens it.
    pub digest: Digest,
    /// When it was asked for.
    pub now: Timestamp,
    /// Until when the picture may come, and a record be made of it.
    pub expires_at: Timestamp,
}

/// A place for one picture, as it was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Whose project it is for.
    pub workspace: WorkspaceId,
    /// The project that the picture is for.
    pub project: ProjectId,
    /// Who asked.
    pub actor: Actor,
    /// SHA-256 of the token that opens it.
    pub digest: Digest,
    /// Until when the picture may come.
    pub expires_at: Timestamp,
}

macro_rules! uploads {
    ($which:literal) => {
        concat!(
            "SELECT u.id, p.workspace_id, u.project_id, u.actor, u.digest, u.expires_at
             FROM uploads u JOIN projects p ON p.id = u.project_id WHERE ",
            $which
        )
    };
}

impl Store {
    /// Promises a place.
    pub async fn create_upload(&self, new: &NewUpload) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        let done = query(
            "INSERT INTO uploads (id, project_id, actor, digest, created_at, expires_at)
             SELECT $1, p.id, $3, $4, $5, $6 FROM projects p WHERE p.id = $2",
        )
        .bind(new.id.to_string())
        .bind(new.project.to_string())
        .bind(new.actor.to_string())
        .bind(new.digest.as_bytes().to_vec())
        .bind(new.now.micros())
        .bind(new.expires_at.micros())
        .execute(&mut *db)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        db.commit().await
    }

    /// The place of that id.
    pub async fn upload(&self, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let row = query(uploads!("u.id = $1")).bind(id.to_string()).fetch_optional(self.readers()).await?;
        row.as_ref().map(upload).transpose()
    }

    /// Up to `limit` places that ended before `now` and that no record was made from.
    pub async fn abandoned_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<Upload>, StoreError> {
        query(uploads!("u.used = 0 AND u.expires_at < $1 LIMIT $2"))
            .bind(now.micros())
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(upload)
            .collect()
    }

    /// Forgets places whose objects are gone. One that a record was made from stays.
    pub async fn forget_uploads(&self, ids: &[UploadId]) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        for id in ids {
            query("DELETE FROM uploads WHERE id = $1 AND used = 0")
                .bind(id.to_string())
                .execute(&mut *db)
                .await?;
        }
        db.commit().await
    }
}

fn upload(row: &Row) -> Result<Upload, StoreError> {
    Ok(Upload {
        id: database::parsed(row, "id")?,
        workspace: database::parsed(row, "workspace_id")?,
        project: database::parsed(row, "project_id")?,
        actor: database::parsed(row, "actor")?,
        digest: Digest::from_bytes(database::bytes(row, "digest")?),
        expires_at: database::time(row, "expires_at")?,
    })
}
