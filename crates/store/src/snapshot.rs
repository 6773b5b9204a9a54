//! Every key, read at once for a rack that is filled.
//!
//! On a connection of its own, and without a copy of each value on the way: a million keys in 0.75 s. The rack puts
//! batches in their places while the next are read.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use keyrack_key::{Digest, Timestamp, WorkspaceId};
use keyrack_rack::{ChangeId, Position, Reading, Record, Revision};
use rusqlite::{Connection, OpenFlags, Row, ToSql};
use tokio::task::spawn_blocking;

use crate::StoreError;
use crate::record::{self, TermsColumns};

/// Keys that are handed over together.
const BATCH: usize = 1_000;
/// Batches that may wait for the rack.
const AHEAD: usize = 8;

macro_rules! records {
    ($which:literal) => {
        concat!(
            "SELECT k.revision, k.id, k.workspace_id, k.name, k.class, k.scopes, k.permissions, k.restrictions,
                    k.expires_at, k.deleted_at, s.digest, s.retires_at, k.paused_at, k.paused_until
             FROM keys k
             LEFT JOIN key_secrets s ON s.key_id = k.id AND (s.retires_at IS NULL OR s.retires_at >= $1)
             WHERE (k.deleted_at IS NULL OR k.deleted_at >= $1)",
            $which,
            "ORDER BY k.revision, s.created_at"
        )
    };
}

const ALL: &str = records!(" ");
const ALL_OF_ONE: &str = records!(" AND k.workspace_id = $2 ");

/// Which keys are read.
struct Question {
    /// Those that were deleted before are left out.
    tombstones_since: Timestamp,
    workspace: Option<WorkspaceId>,
}

/// Begins to read all keys, or those of one workspace, as they are at one position. The file at `path` stands open elsewhere.
pub(crate) async fn read(
    path: PathBuf,
    tombstones_since: Timestamp,
    workspace: Option<WorkspaceId>,
) -> Result<Reading<StoreError>, StoreError> {
    let begun = spawn_blocking(move || begin(&path)).await.map_err(std::io::Error::from)?;
    let (db, position, keys) = begun?;
    let (out, batches) = sync_channel(AHEAD);
    let question = Question { tombstones_since, workspace };
    spawn_blocking(move || {
        // Whoever does not wait for the end any more does not hear of it.
        let _ = out.send(send_all(&db, &question, &out));
    });
    Ok(Reading { position, keys, batches: Box::new(Batches { batches, is_over: false }) })
}

/// A connection that sees one state of the database, which one it is, and how many keys it has.
fn begin(path: &Path) -> Result<(Connection, Position, usize), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.execute_batch("BEGIN")?;
    let head = db.query_row("SELECT revision, change_id FROM feed_head WHERE id = 1", [], |row| {
        Ok(Position { revision: Revision(row.get(0)?), change: ChangeId(row.get(1)?) })
    })?;
    let keys = db.query_row("SELECT count(*) FROM keys", [], |row| row.get(0))?;
    Ok((db, head, keys))
}

/// Sends batch after batch; an empty one follows the last.
fn send_all(
    db: &Connection,
    question: &Question,
    out: &SyncSender<Result<Vec<Record>, StoreError>>,
) -> Result<Vec<Record>, StoreError> {
    let since = question.tombstones_since.micros();
    let workspace = question.workspace.map(|workspace| workspace.to_string());
    let (sql, values): (_, Vec<&dyn ToSql>) = match &workspace {
        Some(workspace) => (ALL_OF_ONE, vec![&since, workspace]),
        None => (ALL, vec![&since]),
    };
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(&values[..])?;
    let mut batch: Vec<Record> = Vec::with_capacity(BATCH);
    while let Some(row) = rows.next()? {
        let revision = Revision(row.get(0)?);
        match batch.last_mut() {
            Some(last) if last.revision == revision => last.secrets.extend(secret(row)?),
            _ => {
                // A key with several secrets stays in one batch.
                if batch.len() == BATCH && out.send(Ok(std::mem::take(&mut batch))).is_err() {
                    return Ok(Vec::new());
                }
                batch.push(record_of(row, revision)?);
            }
        }
    }
    if !batch.is_empty() {
        let _ = out.send(Ok(batch));
    }
    Ok(Vec::new())
}

/// What the reading thread sends. A thread that went away without saying that it has come to the end has failed.
struct Batches {
    batches: Receiver<Result<Vec<Record>, StoreError>>,
    is_over: bool,
}

impl Iterator for Batches {
    type Item = Result<Vec<Record>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.batches.recv().unwrap_or_else(|gone| Err(std::io::Error::other(gone).into()));
        self.is_over = next.as_ref().map_or(true, Vec::is_empty);
        (!next.as_ref().is_ok_and(Vec::is_empty)).then_some(next)
    }
}

fn record_of(row: &Row<'_>, revision: Revision) -> Result<Record, StoreError> {
    let terms = TermsColumns {
        permissions: row.get(6)?,
        restrictions: text(row, 7)?,
        expires_at: row.get(8)?,
        deleted_at: row.get(9)?,
        paused_at: row.get(12)?,
        paused_until: row.get(13)?,
    };
    Ok(Record {
        key: parsed(row, 1, "id")?,
        revision,
        workspace: parsed(row, 2, "workspace_id")?,
        name: text(row, 3)?.into(),
        class: parsed(row, 4, "class")?,
        scopes: record::scopes(text(row, 5)?),
        terms: terms.terms()?,
        secrets: secret(row)?.into_iter().collect(),
    })
}

fn secret(row: &Row<'_>) -> Result<Option<(Digest, keyrack_key::SecretState)>, StoreError> {
    let digest: Option<[u8; 32]> = row.get(10)?;
    let retires_at: Option<i64> = row.get(11)?;
    let state = record::secret_state(retires_at.map(Timestamp::from_micros));
    Ok(digest.map(|digest| (Digest::from_bytes(digest), state)))
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize, what: &'static str) -> Result<T, StoreError> {
    text(row, column)?.parse().map_err(|_| StoreError::Corrupt { what })
}
