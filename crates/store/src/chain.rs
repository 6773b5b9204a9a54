//! The chain of a workspace's audit entries: each holds the hash of the one before, so that nobody rewrites the past unseen.
//!
//! The hash of an entry of version 1 is SHA-256 over these fields, each preceded by its length in bytes as an
//! unsigned 32-bit big-endian number:
//!
//! 1. the version, 2. the workspace's id, 3. `seq`, 4. `at` in microseconds since the Unix epoch, 5. the actor,
//!    6. the action, 7. the target, 8. the detail: the JSON text as it is stored, 9. the hash of the entry before
//!
//! The version, `seq` and `at` are signed 64-bit big-endian numbers, ids and words are UTF-8, hashes are 32 raw bytes,
//! and before the first entry stand 32 zero bytes.
//!
//! The chain shows that an entry was altered, moved or taken out. Whoever can write the file and computes the whole chain
//! anew is not shown by it: for that, keep the newest hash elsewhere.

use std::ops::ControlFlow::{Break, Continue};

use keyrack_key::WorkspaceId;
use sha2::{Digest as _, Sha256};

use crate::database::{self, Connection, Row, query};
use crate::{Store, StoreError};

/// How entries are hashed today.
pub(crate) const VERSION: i64 = 1;

type Hash = [u8; 32];

/// What the first entry continues.
pub(crate) const START: Hash = [0; 32];

/// What a look at a whole chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Every entry is as it was written.
    Whole {
        /// How many there are.
        entries: u64,
    },
    /// An entry was altered, or is missing.
    Broken {
        /// The first such entry.
        seq: u64,
    },
}

/// One entry as it is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How it is hashed.
    pub version: i64,
    /// Whose history it belongs to.
    pub workspace: String,
    /// Its place, from 1.
    pub seq: i64,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
    /// Who did it: an [`Actor`](crate::Actor) as text.
    pub actor: String,
    /// What was done: the word of an [`AuditAction`](crate::AuditAction), or of one that a newer version knows.
    pub action: String,
    /// The id of what it was done to.
    pub target: String,
    /// What else is worth telling: the text of a JSON object.
    pub detail: String,
    /// The hash of the entry before; zeros before the first.
    pub prev: [u8; 32],
}

impl Link {
    /// Whether this version knows how the entry is hashed.
    pub const fn is_known(&self) -> bool {
        self.version == VERSION
    }

    /// The hash that belongs beside it: SHA-256, over the fields as the documentation of the chain says.
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
            // No field comes near 4 GiB: SQLite refuses texts above 1 GB.
            sha.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            sha.update(field);
        }
        sha.finalize().into()
    }
}

pub(crate) async fn write(db: &mut Connection, link: &Link) -> Result<(), StoreError> {
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
    /// Computes the whole chain of `workspace` anew. A version that this one does not know counts as broken.
    pub async fn verify_chain(&self, workspace: WorkspaceId) -> Result<Chain, StoreError> {
        let mut db = self.read().await?;
        let counted = query("SELECT audited FROM workspaces WHERE id = $1")
            .bind(workspace.to_string())
            .fetch_optional(&mut *db)
            .await?
            .ok_or(StoreError::NotFound)?;
        let entries = database::number(&counted, "audited")?;
        let start = (0, Some(START));
        let step = |(seq, end): (u64, Option<Hash>), row: Row| {
            // What cannot even be decoded was altered, too.
            let end = end.and_then(|end| holds(&row, seq + 1, end).unwrap_or(None));
            Ok(if end.is_some() { Continue((seq + 1, end)) } else { Break((seq + 1, None)) })
        };
        let all =
            query("SELECT * FROM audit WHERE workspace_id = $1 ORDER BY seq").bind(workspace.to_string());
        Ok(match all.fold(&mut *db, start, step).await? {
            (seq, None) => Chain::Broken { seq },
            (seq, Some(_)) if seq == entries => Chain::Whole { entries },
            (seq, Some(_)) => Chain::Broken { seq: seq + 1 },
        })
    }
}

/// The hash of the entry, if it is the one that belongs at this place.
fn holds(row: &Row, seq: u64, prev: Hash) -> Result<Option<Hash>, StoreError> {
    let link = Link {
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
