//! Uploads: reserved places for images to come. Every object has a row, so none is ever orphaned.

use keyrack_key::{Digest, ImportId, KeyId, Permission, ProjectId, Timestamp, UploadId, UserId, WorkspaceId};

use crate::database::{self, Row, query};
use crate::{Actor, AuthorizedStore, Principal, Role, Store, StoreError, record};

/// An upload to create.
#[derive(Clone, Copy, Debug)]
pub struct NewUpload {
    pub id: UploadId,
    /// The project of the image.
    pub project: ProjectId,
    /// The requesting principal as an actor. The principal must still be allowed when the image arrives.
    pub actor: Actor,
    /// The SHA-256 of the upload token.
    pub digest: Digest,
    pub now: Timestamp,
    /// The time until which the image may arrive and a record may be created.
    pub expires_at: Timestamp,
    /// The import that creates the upload, if any.
    pub import: Option<ImportId>,
    /// The most open uploads of the actor, including this one. `None` for no limit.
    pub open_max: Option<u64>,
}

/// An upload: a reserved place for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    /// The workspace of the project.
    pub workspace: WorkspaceId,
    /// The project of the image.
    pub project: ProjectId,
    /// The actor who requested the upload.
    pub actor: Actor,
    /// The SHA-256 of the upload token.
    pub digest: Digest,
    /// The time until which the image may arrive.
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
    /// Returns the upload with this ID.
    pub async fn upload(&self, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let row = query(uploads!("u.id = $1")).bind(id.to_string()).fetch_optional(self.readers()).await?;
        row.as_ref().map(upload).transpose()
    }

    /// Returns whether the key or session that requested the upload may still send the image at `now`.
    ///
    /// A key must not be deleted, expired, or paused, its secret must still work, and it must cover the project.
    /// Addresses and origins were checked when the upload was requested. A key with such restrictions that was edited
    /// since must request a new upload.
    pub async fn is_upload_allowed(&self, upload: &Upload, now: Timestamp) -> Result<bool, StoreError> {
        match upload.actor {
            Actor::Operator => Ok(true),
            Actor::User(user) => self.is_member_upload_allowed(upload, user, now).await,
            Actor::Key(key) => self.is_key_upload_allowed(upload, key, now).await,
        }
    }

    async fn is_member_upload_allowed(
        &self,
        upload: &Upload,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = query(
            "SELECT m.role, u.session_id, s.expires_at FROM uploads u
             JOIN members m ON m.workspace_id = $2 AND m.user_id = $3
             LEFT JOIN sessions s ON s.id = u.session_id AND s.user_id = $3 WHERE u.id = $1",
        )
        .bind(upload.id.to_string())
        .bind(upload.workspace.to_string())
        .bind(user.to_string())
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else { return Ok(false) };
        let by_session = row.try_get::<Option<&str>>("session_id")?.is_some();
        let is_signed_in = database::time_optional(&row, "expires_at")?.is_some_and(|end| end > now);
        let role: Role = database::parsed(&row, "role")?;
        Ok(role >= Role::Member && (is_signed_in || !by_session))
    }

    async fn is_key_upload_allowed(
        &self,
        upload: &Upload,
        key: KeyId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = query(
            "SELECT k.permissions, k.restrictions, k.expires_at, k.deleted_at, k.paused_at, k.paused_until, k.revision,
                    u.key_revision, s.retires_at
             FROM uploads u JOIN key_secrets s ON s.digest = u.secret JOIN keys k ON k.id = s.key_id
             WHERE u.id = $1 AND k.id = $2 AND k.workspace_id = $3",
        )
        .bind(upload.id.to_string())
        .bind(key.to_string())
        .bind(upload.workspace.to_string())
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else { return Ok(false) };
        let is_unchanged = database::number(&row, "revision")? == database::number(&row, "key_revision")?;
        let terms = record::terms(&row)?;
        let retires_at = database::time_optional(&row, "retires_at")?;
        let Some(restrictions) = terms.restrictions else { return Ok(false) };
        Ok(terms.deleted_at.is_none()
            && terms.expires_at.is_none_or(|end| end > now)
            && !terms.pause.is_some_and(|pause| pause.is_active(now))
            && retires_at.is_none_or(|end| end > now)
            && terms.permissions.contains(Permission::DatasetsUpload)
            && restrictions.cover_project(upload.project)
            && (is_unchanged || (restrictions.networks.is_any() && restrictions.origins.is_any())))
    }

    /// Returns up to `limit` uploads that expired before `now` and became no record.
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

    /// Deletes uploads whose objects are removed. Keeps uploads that became records.
    pub async fn delete_uploads(&self, ids: &[UploadId]) -> Result<(), StoreError> {
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

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Creates an upload. Returns [`StoreError::TooMany`] if the actor has reached the limit of open uploads.
    pub async fn create_upload(&self, new: &NewUpload) -> Result<(), StoreError> {
        let (secret, revision, session) = match self.principal() {
            Principal::Key { key, secret } => {
                (Some(secret.as_bytes().to_vec()), Some(database::column(key.revision.0)), None)
            }
            Principal::Session { session, .. } => (None, None, Some(session.to_string())),
            Principal::Member { .. } | Principal::Operator => (None, None, None),
        };
        let mut db = self.write_new_data().await?;
        if let Some(most) = new.open_max {
            let open = query(
                "SELECT count(*) AS open FROM uploads WHERE actor = $1 AND used = 0 AND expires_at > $2",
            )
            .bind(new.actor.to_string())
            .bind(new.now.micros())
            .fetch_one(&mut *db)
            .await?;
            if database::number(&open, "open")? >= most {
                return Err(StoreError::TooMany);
            }
        }
        let done = query(
            "INSERT INTO uploads (id, project_id, actor, digest, created_at, expires_at, secret, key_revision, session_id)
             SELECT $1, p.id, $3, $4, $5, $6, $7, $8, $9 FROM projects p WHERE p.id = $2",
        )
        .bind(new.id.to_string())
        .bind(new.project.to_string())
        .bind(new.actor.to_string())
        .bind(new.digest.as_bytes().to_vec())
        .bind(new.now.micros())
        .bind(new.expires_at.micros())
        .bind(secret)
        .bind(revision)
        .bind(session)
        .execute(&mut *db)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        if let Some(import) = new.import {
            crate::imports::begin_entry(&mut db, import, new.id).await?;
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
