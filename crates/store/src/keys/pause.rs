//! Pauses and resumes keys, and revokes old secrets early.

use keyrack_key::{KeyId, Timestamp, WorkspaceId};
use keyrack_rack::Revision;
use serde_json::{Value, json};

use super::KeyRow;
use super::apply::{commit_and_read, undeleted};
use super::write::changes_one;
use crate::audit::{self, AuditAction, NewAuditEntry};
use crate::database::{Connection, column, query};
use crate::feed::next_revision;
use crate::{Actor, AuthorizedStore, Store, StoreError};

/// The parameters of a change of a key.
#[derive(Clone, Copy, Debug)]
pub struct ChangeKey {
    pub workspace: WorkspaceId,
    pub id: KeyId,
    /// The revision that the actor saw.
    pub expected: Revision,
    /// The author of the change.
    pub actor: Actor,
    /// The time of the change.
    pub now: Timestamp,
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Pauses a key until `until`, or until it is resumed. Returns [`StoreError::Conflict`] if the key's revision
    /// isn't the one that the actor saw, because another pause may deliberately last longer. On a nearly full disk, a key can
    /// be paused once and without an end: repeated pauses would use up the reserve.
    pub async fn pause_key(
        &self,
        change: &ChangeKey,
        until: Option<Timestamp>,
    ) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        let before = change.begin(&mut db).await?;
        if until.is_some() || before.paused_at(change.now).is_some() {
            self.require_space()?;
        }
        let detail = json!({ "until": until.map(Timestamp::micros) });
        let revision = change.audit_and_revise(self, &mut db, AuditAction::KeyPaused, detail).await?;
        let began = Some((change.now, change.actor));
        write_pause(&mut db, change, revision, began, until).await?;
        commit_and_read(db, change.workspace, change.id).await
    }

    /// Resumes a paused key. A key that isn't paused stays unchanged.
    pub async fn resume_key(&self, change: &ChangeKey) -> Result<KeyRow, StoreError> {
        let mut db = self.write_new_data().await?;
        let before = change.begin(&mut db).await?;
        let Some(paused) = before.paused_at(change.now) else { return Ok(before) };
        let detail = json!({ "until": paused.until.map(Timestamp::micros) });
        let revision = change.audit_and_revise(self, &mut db, AuditAction::KeyResumed, detail).await?;
        write_pause(&mut db, change, revision, None, None).await?;
        commit_and_read(db, change.workspace, change.id).await
    }

    /// Revokes the retiring secret now. A key without a retiring secret stays unchanged.
    pub async fn retire_key(&self, change: &ChangeKey) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        let before = change.begin(&mut db).await?;
        let Some((secret, _)) = before.retiring_at(change.now) else { return Ok(before) };
        let detail = json!({ "hint": secret.hint.to_string() });
        let revision = change.audit_and_revise(self, &mut db, AuditAction::KeyRetired, detail).await?;
        query("UPDATE key_secrets SET retires_at = $2 WHERE key_id = $1 AND retires_at > $2")
            .bind(change.id.to_string())
            .bind(change.now.micros())
            .execute(&mut *db)
            .await?;
        let query = query("UPDATE keys SET revision = $2 WHERE id = $1 AND revision = $3")
            .bind(change.id.to_string())
            .bind(column(revision.0))
            .bind(column(change.expected.0));
        changes_one(&mut db, query).await?;
        commit_and_read(db, change.workspace, change.id).await
    }
}

impl ChangeKey {
    /// Returns the key, after checking that its revision is the expected one.
    async fn begin(&self, db: &mut Connection) -> Result<KeyRow, StoreError> {
        let before = undeleted(db, self.workspace, self.id).await?;
        if before.revision == self.expected { Ok(before) } else { Err(StoreError::Conflict) }
    }

    /// Appends the audit entry and takes the revision.
    async fn audit_and_revise(
        &self,
        store: &Store,
        db: &mut Connection,
        action: AuditAction,
        detail: Value,
    ) -> Result<Revision, StoreError> {
        let (workspace, at, actor) = (self.workspace, self.now, self.actor);
        audit::append(db, &NewAuditEntry { workspace, at, actor, action, target: &self.id, detail }).await?;
        next_revision(db, self.id, store.change_id(), self.now).await
    }
}

async fn write_pause(
    db: &mut Connection,
    change: &ChangeKey,
    revision: Revision,
    began: Option<(Timestamp, Actor)>,
    until: Option<Timestamp>,
) -> Result<(), StoreError> {
    let query = query(
        "UPDATE keys SET paused_at = $2, paused_by = $3, paused_until = $4, revision = $5
         WHERE id = $1 AND deleted_at IS NULL AND revision = $6",
    )
    .bind(change.id.to_string())
    .bind(began.map(|(at, _)| at.micros()))
    .bind(began.map(|(_, by)| by.to_string()))
    .bind(until.map(Timestamp::micros))
    .bind(column(revision.0))
    .bind(column(change.expected.0));
    changes_one(db, query).await
}
