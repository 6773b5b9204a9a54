//! Uploads: places for pictures that are on their way. No object lies anywhere without a row that knows of it.

use keyrack_key::{Digest, ImportId, KeyId, Permission, ProjectId, Timestamp, UploadId, UserId, WorkspaceId};

use crate::database::{self, Row, query};
use crate::{Actor, AuthorizedStore, Principal, Role, Store, StoreError, record};

/// A place for one picture.
#[derive(Clone, Copy, Debug)]
pub struct NewUpload {
    /// Its id.
    pub id: UploadId,
    /// The project that the picture is for.
    pub project: ProjectId,
    /// Who asks: the principal as the audit log names it, who must still be allowed when the picture comes.
    pub actor: Actor,
    /// SHA-256 of the token that opens it.
    pub digest: Digest,
    /// When it was asked for.
    pub now: Timestamp,
    /// Until when the picture may come, and a record be made of it.
    pub expires_at: Timestamp,
    /// The import that has come to this picture, if it comes from one.
    pub import: Option<ImportId>,
    /// How many places without a record the actor may have at a time, this one included; `None` for any number.
    pub open_max: Option<u64>,
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
    /// The place of that id.
    pub async fn upload(&self, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let row = query(uploads!("u.id = $1")).bind(id.to_string()).fetch_optional(self.readers()).await?;
        row.as_ref().map(upload).transpose()
    }

    /// Whether the key or the session that asked for a place may still fill it at `now`.
    ///
    /// A key must be alive, unexpired and not paused, its very secret valid, and the key must cover the project. Addresses
    /// and origins were checked when it asked: a key that is restricted to some and was changed since has to ask again.
    pub async fn may_fill(&self, upload: &Upload, now: Timestamp) -> Result<bool, StoreError> {
        match upload.actor {
            Actor::Operator => Ok(true),
            Actor::User(user) => self.member_may_fill(upload, user, now).await,
            Actor::Key(key) => self.key_may_fill(upload, key, now).await,
        }
    }

    async fn member_may_fill(
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
        let is_signed_in = database::time_if_any(&row, "expires_at")?.is_some_and(|end| end > now);
        let role: Role = database::parsed(&row, "role")?;
        Ok(role >= Role::Member && (is_signed_in || !by_session))
    }

    async fn key_may_fill(&self, upload: &Upload, key: KeyId, now: Timestamp) -> Result<bool, StoreError> {
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
        let retires_at = database::time_if_any(&row, "retires_at")?;
        let Some(restrictions) = terms.restrictions else { return Ok(false) };
        Ok(terms.deleted_at.is_none()
            && terms.expires_at.is_none_or(|end| end > now)
            && !terms.pause.is_some_and(|pause| pause.holds(now))
            && retires_at.is_none_or(|end| end > now)
            && terms.permissions.contains(Permission::DatasetsUpload)
            && restrictions.cover_project(upload.project)
            && (is_unchanged || (restrictions.networks.is_any() && restrictions.origins.is_any())))
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

/// Each verifies within its transaction that the principal may still write.
impl AuthorizedStore {
    /// Promises a place. [`StoreError::TooMany`] if the actor has as many open ones as it may have.
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
