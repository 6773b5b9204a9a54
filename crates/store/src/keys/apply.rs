//! How a key is made, edited, rotated and deleted, each in one transaction: the audit entry, the secrets,
//! and last the revision and the key's row, because whoever takes a revision makes all others wait.

use keyrack_key::{KeyId, Timestamp, WorkspaceId};
use keyrack_rack::Revision;
use serde_json::{Value, json};

use super::list::one;
use super::tell::{birth, difference, rotation, text_of};
use super::write::{
    bury_key, end_secrets_by, insert_key, insert_secret, retire_secrets, touch_key, update_key,
};
use super::{DeleteKey, EditKey, KeyRow, NewKey, RotateKey};
use crate::audit::{self, AuditAction, Happened};
use crate::database::{self, Connection, query};
use crate::feed::next_revision;
use crate::group::Write;
use crate::{AuthorizedStore, Store, StoreError};

impl Store {
    /// Forgets the tokens of requests carried out before `before`: a repetition of those would be carried out again.
    pub async fn forget_repetitions(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut db = self.write().await?;
        let gone = query("DELETE FROM idempotency WHERE at < $1")
            .bind(before.micros())
            .aside()
            .execute(&mut *db)
            .await?;
        db.commit().await?;
        Ok(gone.rows_affected())
    }
}

/// Each verifies within its transaction that the principal may still write.
impl AuthorizedStore {
    /// Makes a key. [`StoreError::Repeated`] if its token was seen before.
    pub async fn create_key(&self, new: &NewKey<'_>) -> Result<KeyRow, StoreError> {
        let restrictions = text_of(new.restrictions)?;
        let mut db = self.write_new_data().await?;
        let happened = Happened {
            workspace: new.workspace,
            at: new.now,
            actor: new.actor,
            action: AuditAction::KeyCreated,
            target: &new.id,
            detail: birth(new, &restrictions),
        };
        audit::append(&mut db, &happened).await?;
        note_once(&mut db, &happened, new.id, new.once).await?;
        insert_secret(&mut db, new.id, new.secret, new.now).await?;
        let revision = next_revision(&mut db, new.id, self.change_id(), new.now).await?;
        let maker = insert_key(&mut db, new, &restrictions, revision).await?;
        db.commit().await?;
        Ok(KeyRow::made(new, maker, revision))
    }

    /// Edits a key. [`StoreError::Conflict`] if it is no longer at the revision that the editor saw.
    /// An edit that changes nothing is no change.
    pub async fn edit_key(&self, edit: &EditKey<'_>) -> Result<KeyRow, StoreError> {
        let restrictions = text_of(edit.restrictions)?;
        let mut db = self.write().await?;
        let before = alive(&mut db, edit.workspace, edit.id).await?;
        before.at(edit.expected)?;
        let old = before.terms.restrictions.as_ref().ok_or(StoreError::NotUnderstood)?;
        if !before.terms.permissions.is_known() {
            return Err(StoreError::NotUnderstood);
        }
        let detail = difference(&before, &text_of(old)?, edit, &restrictions);
        if detail.is_empty() {
            return Ok(before);
        }
        let happened = Happened {
            workspace: edit.workspace,
            at: edit.now,
            actor: edit.actor,
            action: AuditAction::KeyEdited,
            target: &edit.id,
            detail: Value::Object(detail),
        };
        audit::append(&mut db, &happened).await?;
        let revision = next_revision(&mut db, edit.id, self.change_id(), edit.now).await?;
        end_secrets_by(&mut db, edit.id, edit.expires_at).await?;
        update_key(&mut db, &before, edit, &restrictions, revision).await?;
        finish(db, edit.workspace, edit.id).await
    }

    /// Gives a key a new secret. [`StoreError::Conflict`] if it is no longer at the revision that the actor saw.
    pub async fn rotate_key(&self, rotate: &RotateKey<'_>) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        let before = alive(&mut db, rotate.workspace, rotate.id).await?;
        let happened = Happened {
            workspace: rotate.workspace,
            at: rotate.now,
            actor: rotate.actor,
            action: AuditAction::KeyRotated,
            target: &rotate.id,
            detail: rotation(&before, rotate),
        };
        // Before the revision: a repetition has seen an older one, and should hear that it was carried out.
        note_once(&mut db, &happened, rotate.id, rotate.once).await?;
        before.at(rotate.expected)?;
        audit::append(&mut db, &happened).await?;
        retire_secrets(&mut db, rotate).await?;
        insert_secret(&mut db, rotate.id, rotate.secret, rotate.now).await?;
        let revision = next_revision(&mut db, rotate.id, self.change_id(), rotate.now).await?;
        touch_key(&mut db, rotate, revision).await?;
        finish(db, rotate.workspace, rotate.id).await
    }

    /// Deletes a key, for good. [`StoreError::Gone`] the second time.
    pub async fn delete_key(&self, delete: &DeleteKey<'_>) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        let before = alive(&mut db, delete.workspace, delete.id).await?;
        let happened = Happened {
            workspace: delete.workspace,
            at: delete.now,
            actor: delete.actor,
            action: AuditAction::KeyDeleted,
            target: &delete.id,
            detail: json!({ "name": before.name, "reason": delete.reason }),
        };
        audit::append(&mut db, &happened).await?;
        let revision = next_revision(&mut db, delete.id, self.change_id(), delete.now).await?;
        bury_key(&mut db, delete, revision).await?;
        finish(db, delete.workspace, delete.id).await
    }
}

impl KeyRow {
    fn at(&self, expected: Revision) -> Result<(), StoreError> {
        if self.revision == expected { Ok(()) } else { Err(StoreError::Conflict) }
    }
}

pub(super) async fn alive(
    db: &mut Connection,
    workspace: WorkspaceId,
    id: KeyId,
) -> Result<KeyRow, StoreError> {
    let key = one(db, workspace, id).await?.ok_or(StoreError::NotFound)?;
    if key.deletion.is_some() {
        return Err(StoreError::Gone);
    }
    Ok(key)
}

pub(super) async fn finish(mut db: Write, workspace: WorkspaceId, id: KeyId) -> Result<KeyRow, StoreError> {
    let key = one(&mut db, workspace, id).await?.ok_or(StoreError::NotFound)?;
    db.commit().await?;
    Ok(key)
}

/// Remembers the client's name for its request. Of two at the same time, the second waits for the first and then finds it.
async fn note_once(
    db: &mut Connection,
    happened: &Happened<'_>,
    key: KeyId,
    once: Option<&str>,
) -> Result<(), StoreError> {
    let Some(token) = once else { return Ok(()) };
    let noted = query(
        "INSERT INTO idempotency (workspace_id, actor, token, key_id, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace_id, actor, token) DO NOTHING",
    )
    .bind(happened.workspace.to_string())
    .bind(happened.actor.to_string())
    .bind(token)
    .bind(key.to_string())
    .bind(happened.at.micros())
    .execute(&mut *db)
    .await?;
    if noted.rows_affected() == 1 {
        return Ok(());
    }
    let row = query("SELECT key_id FROM idempotency WHERE workspace_id = $1 AND actor = $2 AND token = $3")
        .bind(happened.workspace.to_string())
        .bind(happened.actor.to_string())
        .bind(token)
        .fetch_one(db)
        .await?;
    Err(StoreError::Repeated { key: database::parsed(&row, "key_id")? })
}
