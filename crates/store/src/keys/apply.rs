//! Creates, edits, rotates, and deletes keys, each in one transaction: first the audit entry and the secrets, and
//! last the revision and the key's row, because taking a revision blocks all other changes of keys.

use keyrack_key::{Digest, KeyId, Timestamp, WorkspaceId};
use keyrack_rack::Revision;
use serde_json::{Value, json};

use super::audit_detail::{creation_detail, edit_detail, rotation_detail, text_of};
use super::list::one;
use super::write::{
    insert_key, insert_secret, limit_secrets_to, mark_deleted, retire_secrets, touch_key, update_key,
};
use super::{DeleteKey, EditKey, KeyRow, NewKey, RotateKey};
use crate::audit::{self, AuditAction, NewAuditEntry};
use crate::database::{self, Connection, Write, query};
use crate::feed::next_revision;
use crate::{AuthorizedStore, Store, StoreError};

impl Store {
    /// Deletes the idempotency keys of requests before `before`. Repeating such a request carries it out again.
    /// Returns the number of deleted rows.
    pub async fn delete_idempotency_keys_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut db = self.write().await?;
        let gone = query("DELETE FROM idempotency WHERE at < $1")
            .bind(before.micros())
            .blocking()
            .execute(&mut *db)
            .await?;
        db.commit().await?;
        Ok(gone.rows_affected())
    }
}

/// Each method verifies in its transaction that the principal may still write.
impl AuthorizedStore {
    /// Creates a key. Returns [`StoreError::Repeated`] if the idempotency key was used before.
    pub async fn create_key(&self, new: &NewKey<'_>) -> Result<KeyRow, StoreError> {
        let restrictions = text_of(new.restrictions)?;
        let mut db = self.write_new_data().await?;
        let entry = NewAuditEntry {
            workspace: new.workspace,
            at: new.now,
            actor: new.actor,
            action: AuditAction::KeyCreated,
            target: &new.id,
            detail: creation_detail(new, &restrictions),
        };
        audit::append(&mut db, &entry).await?;
        store_idempotency_key(&mut db, &entry, new.id, new.idempotency_key).await?;
        insert_secret(&mut db, new.id, &new.secret, new.now).await?;
        let revision = next_revision(&mut db, new.id, self.change_id(), new.now).await?;
        let maker = insert_key(&mut db, new, &restrictions, revision).await?;
        db.commit().await?;
        Ok(KeyRow::created(new, maker, revision))
    }

    /// Edits a key. Returns [`StoreError::Conflict`] if the key's revision isn't the one that the editor saw. An edit
    /// without changes writes nothing.
    pub async fn edit_key(&self, edit: &EditKey<'_>) -> Result<KeyRow, StoreError> {
        let restrictions = text_of(edit.restrictions)?;
        let mut db = self.write_new_data().await?;
        let before = undeleted(&mut db, edit.workspace, edit.id).await?;
        before.at(edit.expected)?;
        let old = before.terms.restrictions.as_ref().ok_or(StoreError::NotUnderstood)?;
        if !before.terms.permissions.is_known() {
            return Err(StoreError::NotUnderstood);
        }
        let detail = edit_detail(&before, &text_of(old)?, edit, &restrictions);
        if detail.is_empty() {
            return Ok(before);
        }
        let entry = NewAuditEntry {
            workspace: edit.workspace,
            at: edit.now,
            actor: edit.actor,
            action: AuditAction::KeyEdited,
            target: &edit.id,
            detail: Value::Object(detail),
        };
        audit::append(&mut db, &entry).await?;
        let revision = next_revision(&mut db, edit.id, self.change_id(), edit.now).await?;
        limit_secrets_to(&mut db, edit.id, edit.expires_at).await?;
        update_key(&mut db, &before, edit, &restrictions, revision).await?;
        commit_and_read(db, edit.workspace, edit.id).await
    }

    /// Gives a key a new secret. Returns [`StoreError::Conflict`] if the key's revision isn't
    /// the one that the actor saw.
    pub async fn rotate_key(&self, rotate: &RotateKey<'_>) -> Result<KeyRow, StoreError> {
        let mut db = self.write_new_data().await?;
        let before = undeleted(&mut db, rotate.workspace, rotate.id).await?;
        let entry = NewAuditEntry {
            workspace: rotate.workspace,
            at: rotate.now,
            actor: rotate.actor,
            action: AuditAction::KeyRotated,
            target: &rotate.id,
            detail: rotation_detail(&before, rotate),
        };
        // Checked before the revision: a repeated request has an older revision, but must get
        // [`StoreError::Repeated`].
        store_idempotency_key(&mut db, &entry, rotate.id, rotate.idempotency_key).await?;
        before.at(rotate.expected)?;
        audit::append(&mut db, &entry).await?;
        retire_secrets(&mut db, rotate).await?;
        insert_secret(&mut db, rotate.id, &rotate.secret, rotate.now).await?;
        let revision = next_revision(&mut db, rotate.id, self.change_id(), rotate.now).await?;
        touch_key(&mut db, rotate, revision).await?;
        commit_and_read(db, rotate.workspace, rotate.id).await
    }

    /// Deletes a key permanently. Returns [`StoreError::Gone`] if it is already deleted.
    pub async fn delete_key(&self, delete: &DeleteKey<'_>) -> Result<KeyRow, StoreError> {
        let mut db = self.write().await?;
        let before = undeleted(&mut db, delete.workspace, delete.id).await?;
        let entry = NewAuditEntry {
            workspace: delete.workspace,
            at: delete.now,
            actor: delete.actor,
            action: AuditAction::KeyDeleted,
            target: &delete.id,
            detail: json!({ "name": before.name, "reason": delete.reason }),
        };
        audit::append(&mut db, &entry).await?;
        let revision = next_revision(&mut db, delete.id, self.change_id(), delete.now).await?;
        mark_deleted(&mut db, delete, revision).await?;
        commit_and_read(db, delete.workspace, delete.id).await
    }
}

impl KeyRow {
    fn at(&self, expected: Revision) -> Result<(), StoreError> {
        if self.revision == expected { Ok(()) } else { Err(StoreError::Conflict) }
    }
}

pub(super) async fn undeleted(
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

pub(super) async fn commit_and_read(
    mut db: Write,
    workspace: WorkspaceId,
    id: KeyId,
) -> Result<KeyRow, StoreError> {
    let key = one(&mut db, workspace, id).await?.ok_or(StoreError::NotFound)?;
    db.commit().await?;
    Ok(key)
}

/// Stores the SHA-256 of the idempotency key of a request. Of two concurrent requests, the second waits for
/// the first and then finds it.
async fn store_idempotency_key(
    db: &mut Connection,
    entry: &NewAuditEntry<'_>,
    key: KeyId,
    idempotency_key: Option<&str>,
) -> Result<(), StoreError> {
    let Some(idempotency_key) = idempotency_key else { return Ok(()) };
    // A client can send anything as its idempotency key, even a secret.
    let token = hex::encode(Digest::of(idempotency_key.as_bytes()).as_bytes());
    let noted = query(
        "INSERT INTO idempotency (workspace_id, actor, token, key_id, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace_id, actor, token) DO NOTHING",
    )
    .bind(entry.workspace.to_string())
    .bind(entry.actor.to_string())
    .bind(&token)
    .bind(key.to_string())
    .bind(entry.at.micros())
    .execute(&mut *db)
    .await?;
    if noted.rows_affected() == 1 {
        return Ok(());
    }
    let row = query("SELECT key_id FROM idempotency WHERE workspace_id = $1 AND actor = $2 AND token = $3")
        .bind(entry.workspace.to_string())
        .bind(entry.actor.to_string())
        .bind(&token)
        .fetch_one(db)
        .await?;
    Err(StoreError::Repeated { key: database::parsed(&row, "key_id")? })
}
