//! The statements that write keys and secrets.

use keyrack_key::{KeyId, Permissions, Timestamp};
use keyrack_rack::{Revision, TOMBSTONE_LIFE};

use super::{DeleteKey, EditKey, KeyRow, NewKey, NewSecret, RotateKey};
use crate::database::{Connection, Query, column, query};
use crate::{StoreError, names};

/// Inserts a key. Returns the current name of the person who creates it.
pub(super) async fn insert_key(
    db: &mut Connection,
    new: &NewKey<'_>,
    restrictions: &str,
    revision: Revision,
) -> Result<Option<String>, StoreError> {
    // `user:` has five characters. The remainder of other actors isn't an ID.
    let made = query(
        "INSERT INTO keys (id, workspace_id, name, folded, class, scopes, permissions, restrictions, note,
                           created_by, created_at, expires_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         RETURNING (SELECT u.name FROM users u WHERE u.id = substr(keys.created_by, 6)) AS created_by_name",
    )
    .bind(new.id.to_string())
    .bind(new.workspace.to_string())
    .bind(new.name)
    .bind(names::folded(new.name))
    .bind(new.grant.class().name())
    .bind(new.grant.scopes().to_string())
    .bind(i64::from(new.grant.permissions().bits()))
    .bind(restrictions)
    .bind(new.note)
    .bind(new.actor.to_string())
    .bind(new.now.micros())
    .bind(new.expires_at.map(Timestamp::micros))
    .bind(column(revision.0))
    .fetch_one(db)
    .await?;
    made.try_get("created_by_name")
}

/// Returns the permissions of an edited key. Unchanged scopes keep the permissions as granted, even if the scopes have
/// gained permissions since.
pub(super) fn granted(before: &KeyRow, edit: &EditKey<'_>) -> Permissions {
    if edit.grant.scopes() == before.scopes { before.terms.permissions } else { edit.grant.permissions() }
}

pub(super) async fn update_key(
    db: &mut Connection,
    before: &KeyRow,
    edit: &EditKey<'_>,
    restrictions: &str,
    revision: Revision,
) -> Result<(), StoreError> {
    let query = query(
        "UPDATE keys SET name = $3, folded = $4, scopes = $5, permissions = $6, restrictions = $7, note = $8,
                         expires_at = $9, revision = $10
         WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL AND revision = $11",
    )
    .bind(edit.workspace.to_string())
    .bind(edit.id.to_string())
    .bind(edit.name.to_owned())
    .bind(names::folded(edit.name))
    .bind(edit.grant.scopes().to_string())
    .bind(i64::from(granted(before, edit).bits()))
    .bind(restrictions.to_owned())
    .bind(edit.note.map(str::to_owned))
    .bind(edit.expires_at.map(Timestamp::micros))
    .bind(column(revision.0))
    .bind(column(edit.expected.0));
    changes_one(db, query).await
}

/// Sets the revision of a key whose secrets changed.
pub(super) async fn touch_key(
    db: &mut Connection,
    rotate: &RotateKey<'_>,
    revision: Revision,
) -> Result<(), StoreError> {
    let query = query(
        "UPDATE keys SET revision = $3
         WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL AND revision = $4",
    )
    .bind(rotate.workspace.to_string())
    .bind(rotate.id.to_string())
    .bind(column(revision.0))
    .bind(column(rotate.expected.0));
    changes_one(db, query).await
}

/// Marks a key as deleted, whatever its revision. A deletion applies to the key, not to a state of it.
pub(super) async fn mark_deleted(
    db: &mut Connection,
    delete: &DeleteKey<'_>,
    revision: Revision,
) -> Result<(), StoreError> {
    let query = query(
        "UPDATE keys SET deleted_at = $3, deleted_by = $4, deleted_reason = $5, revision = $6
         WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL",
    )
    .bind(delete.workspace.to_string())
    .bind(delete.id.to_string())
    .bind(delete.now.micros())
    .bind(delete.actor.to_string())
    .bind(delete.reason.map(str::to_owned))
    .bind(column(revision.0));
    changes_one(db, query).await
}

/// Runs a statement that must change exactly one row. Returns [`StoreError::Conflict`] if the row is gone.
pub(super) async fn changes_one(db: &mut Connection, query: Query) -> Result<(), StoreError> {
    match query.execute(db).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

pub(super) async fn insert_secret(
    db: &mut Connection,
    key: KeyId,
    secret: &NewSecret,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO key_secrets (digest, key_id, hint, publishable, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&secret.digest.as_bytes()[..])
    .bind(key.to_string())
    .bind(secret.hint.to_string())
    .bind(secret.publishable.as_ref().map(ToString::to_string))
    .bind(now.micros())
    .execute(db)
    .await?;
    Ok(())
}

/// Makes retiring secrets stop working no later than their key.
pub(super) async fn limit_secrets_to(
    db: &mut Connection,
    key: KeyId,
    end: Option<Timestamp>,
) -> Result<(), StoreError> {
    query("UPDATE key_secrets SET retires_at = $2 WHERE key_id = $1 AND retires_at > $2")
        .bind(key.to_string())
        .bind(end.map(Timestamp::micros))
        .execute(db)
        .await?;
    Ok(())
}

/// Sets the end of the current secret and revokes an older retiring one now, because a key has at most two secrets.
/// Deletes secrets that stopped working so long ago that responses no longer mention them.
pub(super) async fn retire_secrets(db: &mut Connection, rotate: &RotateKey<'_>) -> Result<(), StoreError> {
    let key = rotate.id.to_string();
    query("UPDATE key_secrets SET retires_at = $2 WHERE key_id = $1 AND retires_at > $2")
        .bind(&key)
        .bind(rotate.now.micros())
        .execute(&mut *db)
        .await?;
    query("UPDATE key_secrets SET retires_at = $2 WHERE key_id = $1 AND retires_at IS NULL")
        .bind(&key)
        .bind(rotate.retires_at.micros())
        .execute(&mut *db)
        .await?;
    query("DELETE FROM key_secrets WHERE key_id = $1 AND retires_at < $2")
        .bind(&key)
        .bind(rotate.now.minus(TOMBSTONE_LIFE).micros())
        .execute(db)
        .await?;
    Ok(())
}
