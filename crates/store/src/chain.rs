//! The hash chain of a workspace's audit log. Each entry contains the hash of the previous one, so that changes of the
//! past are detected.
//!
//! The hash of an entry of version 1 is SHA-256 over these fields, each preceded by its length in bytes as an
//! unsigned 32-bit big-endian number:
//!
//! 1. the version, 2. the workspace's id, 3. `seq`, 4. `at` in microseconds since the Unix epoch, 5. the actor,
//!    6. the action, 7. the target, 8. the detail: the JSON text as it is stored, 9. the hash of the entry before
//!
//! The version, `seq`, and `at` are signed 64-bit big-endian numbers. IDs and words are UTF-8. Hashes are 32 raw
//! bytes. The previous hash of the first entry is 32 zero bytes.
//!
//! The chain detects an entry that was changed, moved, or removed. It doesn't detect an attacker who can write the
//! file and recomputes the whole chain. To detect that, keep a copy of the newest hash elsewhere.

use std::ops::ControlFlow::{Break, Continue};

use keyrack_key::WorkspaceId;
use sha2::{Digest as _, Sha256};

use crate::database::{self, Connection, Row, query};
use crate::{Store, StoreError};

/// The version of the hash in new entries.
pub(crate) const VERSION: i64 = 1;

type Hash = [u8; 32];

/// The previous hash of the first entry.
pub(crate) const START: Hash = [0; 32];

/// The result of verifying a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainStatus {
    /// All entries are unchanged.
    Whole {
        /// The number of entries.
        entries: u64,
    },
    /// An entry was changed or is missing.
    Broken {
        /// The number of the first such entry.
        seq: u64,
    },
}

/// The fields of an audit entry that its hash covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEntry {
    /// The version of the hash.
    pub version: i64,
    /// The ID of the workspace.
    pub workspace: String,
    /// The number of the entry, starting with 1.
    pub seq: i64,
    /// The time in microseconds since the Unix epoch.
    pub at: i64,
    /// The author: an [`Actor`](crate::Actor) as text.
    pub actor: String,
    /// The name of an [`AuditAction`](crate::AuditAction), or of an action that a newer version knows.
    pub action: String,
    /// The ID of the changed object.
    pub target: String,
    /// More facts: the text of a JSON object.
    pub detail: String,
    /// The hash of the previous entry. Zeros for the first entry.
    pub prev: [u8; 32],
}

impl ChainedEntry {
    /// Returns whether this version can compute the hash.
    pub const fn is_known(&self) -> bool {
        self.version == VERSION
    }

    /// Computes the SHA-256 of the entry, as this module's documentation describes.
    pub fn hash(&self) -> [u8; 32] {
        let mut sha = Sha256::new();
        for field in [
            &self.version.to_be_bytes(),
            self.workspace.as_bytes(),
            &self.seq.to_be_bytes(),
            &self.at.to_be_bytes(),
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.target.as_bytes(),
            self.detail.as_bytes(),
            &self.prev,
        ] {
            // No field is near 4 GiB: SQLite rejects texts above 1 GB.
            sha.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            sha.update(field);
        }
        sha.finalize().into()
    }
}

pub(crate) async fn write(db: &mut Connection, link: &ChainedEntry) -> Result<(), StoreError> {
    query(
        "INSERT INTO audit (workspace_id, seq, version, at, actor, action, target, detail, prev, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&link.workspace)
    .bind(link.seq)
    .bind(link.version)
    .bind(link.at)
    .bind(&link.actor)
    .bind(&link.action)
    .bind(&link.target)
    .bind(&link.detail)
    .bind(&link.prev[..])
    .bind(&link.hash()[..])
    .execute(db)
    .await?;
    Ok(())
}

impl Store {
    /// Verifies the whole chain of `workspace`. An entry with an unknown version counts as broken.
    pub async fn verify_chain(&self, workspace: WorkspaceId) -> Result<ChainStatus, StoreError> {
        let mut db = self.read().await?;
        let counted = query("SELECT audited FROM workspaces WHERE id = $1")
            .bind(workspace.to_string())
            .fetch_optional(&mut *db)
            .await?
            .ok_or(StoreError::NotFound)?;
        let entries = database::number(&counted, "audited")?;
        let start = (0, Some(START));
        let step = |(seq, end): (u64, Option<Hash>), row: Row| {
            // A row that can't be decoded was changed, too.
            let end = end.and_then(|end| holds(&row, seq + 1, end).unwrap_or(None));
            Ok(if end.is_some() { Continue((seq + 1, end)) } else { Break((seq + 1, None)) })
        };
        let all =
            query("SELECT * FROM audit WHERE workspace_id = $1 ORDER BY seq").bind(workspace.to_string());
        Ok(match all.fold(&mut *db, start, step).await? {
            (seq, None) => ChainStatus::Broken { seq },
            (seq, Some(_)) if seq == entries => ChainStatus::Whole { entries },
            (seq, Some(_)) => ChainStatus::Broken { seq: seq + 1 },
        })
    }
}

/// Returns the hash of the entry if the entry is unchanged and has the number `seq`.
fn holds(row: &Row, seq: u64, prev: Hash) -> Result<Option<Hash>, StoreError> {
    let link = ChainedEntry {
        version: row.try_get("version")?,
        workspace: row.try_get("workspace_id")?,
        seq: database::column(seq),
        at: row.try_get("at")?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        target: row.try_get("target")?,
        detail: row.try_get("detail")?,
        prev,
    };
    let hash = link.hash();
    let as_written = link.version == VERSION
        && row.try_get::<i64>("seq")? == link.seq
        && row.try_get::<&[u8]>("prev")? == prev
        && row.try_get::<&[u8]>("hash")? == hash;
    Ok(as_written.then_some(hash))
}
