//! The audit log of a workspace. Each entry is written in the transaction of the change that it describes.

use std::fmt;

use keyrack_key::{Timestamp, WorkspaceId};
use serde_json::Value;

use crate::chain::{self, ChainedEntry};
use crate::database::{self, Connection, Row, query};
use crate::text_enum::text_enum;
use crate::{Actor, NamedActor, Store, StoreError};

macro_rules! actions {
    ($($action:ident, $name:literal, $doc:literal;)*) => {
        /// What was changed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $(#[doc = $doc] $action,)*
        }

        text_enum! { AuditAction, (), $($action => $name,)* }
    };
}

actions! {
    WorkspaceCreated, "workspace_created", "A workspace was created.";
    WorkspaceEdited, "workspace_edited", "The workspace's name or policy was changed.";
    MemberJoined, "member_joined", "A person became a member.";
    KeyCreated, "key_created", "A key was created.";
    KeyEdited, "key_edited", "A key was changed.";
    KeyRotated, "key_rotated", "A key got a new secret.";
    KeyPaused, "key_paused", "A key was paused.";
    KeyResumed, "key_resumed", "A paused key was resumed.";
    KeyRetired, "key_retired", "The old secret of a key was revoked early.";
    KeyDeleted, "key_deleted", "A key was deleted.";
    ProjectCreated, "project_created", "A project was created.";
    ProjectEdited, "project_edited", "A project was changed.";
    ProjectDeleted, "project_deleted", "A project was deleted.";
    RecordDeleted, "record_deleted", "An image was deleted.";
    ModelCreated, "model_created", "A training run was queued.";
    ModelCancelled, "model_cancelled", "A training run was canceled.";
    ModelRenamed, "model_renamed", "A model was renamed.";
    ModelDeleted, "model_deleted", "A model was deleted.";
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// The number of the entry in its workspace, starting with 1.
    pub seq: u64,
    /// The time of the change.
    pub at: Timestamp,
    /// The author of the change.
    pub by: NamedActor,
    /// What was changed.
    pub action: AuditAction,
    /// The ID of the changed object.
    pub target: String,
    /// More facts as a JSON object. Never contains a secret or its digest.
    pub detail: Value,
}

/// An entry to append to the audit log.
pub(crate) struct NewAuditEntry<'a> {
    pub(crate) workspace: WorkspaceId,
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) action: AuditAction,
    pub(crate) target: &'a (dyn fmt::Display + Sync),
    pub(crate) detail: Value,
}

/// Appends an entry within the transaction of its change. Returns [`StoreError::NotFound`] if
/// the workspace doesn't exist.
pub(crate) async fn append(db: &mut Connection, entry: &NewAuditEntry<'_>) -> Result<(), StoreError> {
    let workspace = entry.workspace.to_string();
    let counted = query(
        "UPDATE workspaces SET audited = audited + 1 WHERE id = $1
         RETURNING audited, (SELECT a.hash FROM audit a WHERE a.workspace_id = $1 AND a.seq = workspaces.audited - 1) AS prev",
    )
    .bind(&workspace)
    .fetch_optional(&mut *db)
    .await?
    .ok_or(StoreError::NotFound)?;
    let seq: i64 = counted.try_get("audited")?;
    let link = ChainedEntry {
        version: chain::VERSION,
        workspace,
        seq,
        at: entry.at.micros(),
        actor: entry.actor.to_string(),
        action: entry.action.name().into(),
        target: entry.target.to_string(),
        detail: entry.detail.to_string(),
        prev: if seq == 1 { chain::START } else { database::bytes(&counted, "prev")? },
    };
    chain::write(db, &link).await
}

impl Store {
    /// Returns up to `limit` entries of `workspace`, newest first, starting before the entry number `before`.
    pub async fn audit_entries(
        &self,
        workspace: WorkspaceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        // `user:` has five characters. The remainder of other actors isn't an ID.
        query(
            "SELECT a.seq, a.at, a.actor, a.action, a.target, a.detail, u.name AS actor_name
             FROM audit a LEFT JOIN users u ON u.id = substr(a.actor, 6)
             WHERE a.workspace_id = $1 AND a.seq < $2 ORDER BY a.seq DESC LIMIT $3",
        )
        .bind(workspace.to_string())
        .bind(before.map_or(i64::MAX, database::column))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?
        .iter()
        .map(entry)
        .collect()
    }
}

fn entry(row: &Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        seq: database::number(row, "seq")?,
        at: database::time(row, "at")?,
        by: NamedActor { actor: database::parsed(row, "actor")?, name: row.try_get("actor_name")? },
        action: database::parsed(row, "action")?,
        target: row.try_get("target")?,
        detail: database::parsed(row, "detail")?,
    })
}
