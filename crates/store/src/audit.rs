//! What happened in a workspace: entries that are written with the change they tell of, and read newest first.

use std::fmt;
use std::str::FromStr;

use keyrack_key::{Timestamp, WorkspaceId};
use serde_json::Value;

use crate::chain::{self, Link};
use crate::database::{self, Connection, Row, query};
use crate::{Actor, By, Store, StoreError};

macro_rules! actions {
    ($($action:ident, $name:literal, $says:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $(#[doc = $says] $action,)*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// The word in the store and the API.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }
        }
    };
}

actions! {
    WorkspaceCreated, "workspace_created", "The workspace began.";
    WorkspaceEdited, "workspace_edited", "The workspace's name or policy was changed.";
    MemberJoined, "member_joined", "Somebody became a member.";
    KeyCreated, "key_created", "A key was made.";
    KeyEdited, "key_edited", "A key was changed.";
    KeyRotated, "key_rotated", "A key got a new secret.";
    KeyPaused, "key_paused", "A key is refused for a while.";
    KeyResumed, "key_resumed", "A pause of a key was ended.";
    KeyRetired, "key_retired", "The old secret of a key was ended before its time.";
    KeyDeleted, "key_deleted", "A key was deleted.";
    ProjectCreated, "project_created", "A project was made.";
    ProjectEdited, "project_edited", "A project was changed.";
    ProjectDeleted, "project_deleted", "A project was deleted.";
    RecordDeleted, "record_deleted", "A picture was deleted.";
    ModelCreated, "model_created", "A training was asked for.";
    ModelCancelled, "model_cancelled", "A training was cancelled.";
    ModelDeleted, "model_deleted", "A model was deleted.";
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AuditAction {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|action| action.name() == text).ok_or(())
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Its place in the workspace's history, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: By,
    /// What.
    pub action: AuditAction,
    /// The id of what it was done to.
    pub target: String,
    /// What else is worth telling: a JSON object. Never a secret or its digest.
    pub detail: Value,
}

/// What is about to be written down.
pub(crate) struct Happened<'a> {
    pub(crate) workspace: WorkspaceId,
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) action: AuditAction,
    pub(crate) target: &'a (dyn fmt::Display + Sync),
    pub(crate) detail: Value,
}

/// Writes an entry into the transaction of the change that it tells of. Also the proof that the workspace exists.
pub(crate) async fn append(db: &mut Connection, happened: &Happened<'_>) -> Result<(), StoreError> {
    let workspace = happened.workspace.to_string();
    let counted = query(
        "UPDATE workspaces SET audited = audited + 1 WHERE id = $1
         RETURNING audited, (SELECT a.hash FROM audit a WHERE a.workspace_id = $1 AND a.seq = workspaces.audited - 1) AS prev",
    )
    .bind(&workspace)
    .fetch_optional(&mut *db)
    .await?
    .ok_or(StoreError::NotFound)?;
    let seq: i64 = counted.try_get("audited")?;
    let link = Link {
        version: chain::VERSION,
        workspace,
        seq,
        at: happened.at.micros(),
        actor: happened.actor.to_string(),
        action: happened.action.name().into(),
        target: happened.target.to_string(),
        detail: happened.detail.to_string(),
        prev: if seq == 1 { chain::START } else { database::bytes(&counted, "prev")? },
    };
    chain::write(db, &link).await
}

impl Store {
    /// Up to `limit` entries of `workspace`, newest first: the newest of all, or those before the entry `before`.
    pub async fn audit_entries(
        &self,
        workspace: WorkspaceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        // `user:` is five characters long, and what other actors have behind them is nobody's id.
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
        by: By { actor: database::parsed(row, "actor")?, name: row.try_get("actor_name")? },
        action: database::parsed(row, "action")?,
        target: row.try_get("target")?,
        detail: database::parsed(row, "detail")?,
    })
}
