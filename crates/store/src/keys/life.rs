//! What happens to a key between its beginning and its end, and leaves what it may do as it is: pause, resume, and the end
//! of an old secret before its time.

use keyrack_key::{KeyId, Timestamp, WorkspaceId};
use keyrack_rack::Revision;
use serde_json::{Value, json};

use super::KeyRow;
use super::apply::{alive, finish};
use super::write::changes_one;
use crate::audit::{self, AuditAction, Happened};
use crate::database::{Connection, column, query};
use crate::feed::next_revision;
use crate::{Actor, AuthorizedStore, Store, StoreError};

/// A change of one key by somebody.
#[derive(Clone, Copy, Debug)]
pub struct ChangeKey {
    /// Whose key it is.
    pub workspace: WorkspaceId,
    /// Which.
    pub id: KeyId,
    /// The revision that the actor saw.
    pub expected: Revision,
    /// Who changes it.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// Each verifies within its transaction that the principal may still write.
impl AuthorizedStore {
    /// Has a key refused until then, or until it is resumed. [`StoreError::Conflict`] if it is no longer at the revision
    /// that the actor saw: a pause that is there already may end later for a reason.
    pub async fn pause_key(
        &self,
        change: &ChangeKey,
        until: Option<Timestamp>,
    ) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        change.begin(&mut db).await?;
        let detail = json!({ "until": until.map(Timestamp::micros) });
        let revision = change.happened(self, &mut db, AuditAction::KeyPaused, detail).await?;
        let began = Some((change.now, change.actor));
        write_pause(&mut db, change, revision, began, until).await?;
        finish(db, change.workspace, change.id).await
    }

    /// Ends the pause of a key. A key whose pause is over, or that has none, stays as it is: that is no change.
    pub async fn resume_key(&self, change: &ChangeKey) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        let before = change.begin(&mut db).await?;
        let Some(paused) = before.paused_at(change.now) else { return Ok(before) };
        let detail = json!({ "until": paused.until.map(Timestamp::micros) });
        let revision = change.happened(self, &mut db, AuditAction::KeyResumed, detail).await?;
        write_pause(&mut db, change, revision, None, None).await?;
        finish(db, change.workspace, change.id).await
    }

    /// Ends the secret that retires, now. A key of which none retires stays as it is: that is no change.
    pub async fn retire_key(&self, change: &ChangeKey) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        let before = change.begin(&mut db).await?;
        let Some((secret, _)) = before.retiring_at(change.now) else { return Ok(before) };
        let detail = json!({ "hint": secret.hint.to_string() });
        let revision = change.happened(self, &mut db, AuditAction::KeyRetired, detail).await?;
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
        finish(db, change.workspace, change.id).await
    }
}

impl ChangeKey {
    /// The key as the actor saw it, if both are still what they were.
    async fn begin(&self, db: &mut Connection) -> Result<KeyRow, StoreError> {
        let before = alive(db, self.workspace, self.id).await?;
        if before.revision == self.expected { Ok(before) } else { Err(StoreError::Conflict) }
    }

    /// The audit entry, and the revision.
    async fn happened(
        &self,
        store: &Store,
        db: &mut Connection,
        action: AuditAction,
        detail: Value,
    ) -> Result<Revision, StoreError> {
        let (workspace, at, actor) = (self.workspace, self.now, self.actor);
        audit::append(db, &Happened { workspace, at, actor, action, target: &self.id, detail }).await?;
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
