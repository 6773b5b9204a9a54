//! Reads all keys to fill a rack.
//!
//! A connection of its own copies the rows in batches. The rack's thread parses one batch while the next is read.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use keyrack_key::{Digest, Timestamp, WorkspaceId};
use keyrack_rack::{ChangeId, KeyRecord, Position, Revision, SnapshotReader};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, ToSql};
use tokio::task::spawn_blocking;

use crate::StoreError;
use crate::record::{self, TermsColumns};

/// The number of keys in a batch.
const BATCH: usize = 1_000;
/// The number of batches that may wait for the rack.
const AHEAD: usize = 8;

/// The columns of a row, in order.
const NAMES: [&str; COLUMNS] = [
    "revision",
    "id",
    "workspace_id",
    "name",
    "class",
    "scopes",
    "permissions",
    "restrictions",
    "expires_at",
    "deleted_at",
    "digest",
    "retires_at",
    "paused_at",
    "paused_until",
];
const COLUMNS: usize = 14;
/// The column with the revision, which differs for each key.
const REVISION: usize = 0;

macro_rules! records {
    ($which_and_order:literal) => {
        concat!(
            "SELECT k.revision, k.id, k.workspace_id, k.name, k.class, k.scopes, k.permissions, k.restrictions,
                    k.expires_at, k.deleted_at, s.digest, s.retires_at, k.paused_at, k.paused_until
             FROM keys k
             LEFT JOIN key_secrets s ON s.key_id = k.id AND (s.retires_at IS NULL OR s.retires_at >= $1)
             WHERE (k.deleted_at IS NULL OR k.deleted_at >= $1)",
            $which_and_order,
        )
    };
}

// In the order of the table, or of the index if only one workspace is read, so that nothing is sorted. The secrets of
// a key must be consecutive.
const ALL: &str = records!(" ORDER BY k.rowid, s.created_at");
const ALL_OF_ONE: &str = records!(" AND k.workspace_id = $2 ORDER BY k.id, s.created_at");

/// Which keys to read.
struct KeySelection {
    /// Keys that were deleted before this time are left out.
    tombstones_since: Timestamp,
    workspace: Option<WorkspaceId>,
}

/// Starts reading all keys, or those of a workspace, at a consistent position. The file at
/// `path` must be open elsewhere.
pub(crate) async fn read(
    path: PathBuf,
    tombstones_since: Timestamp,
    workspace: Option<WorkspaceId>,
) -> Result<SnapshotReader<StoreError>, StoreError> {
    let begun = spawn_blocking(move || begin(&path)).await.map_err(std::io::Error::from)?;
    let (db, position, keys) = begun?;
    let (out, batches) = sync_channel(AHEAD);
    let selection = KeySelection { tombstones_since, workspace };
    spawn_blocking(move || {
        // The receiver may have gone away.
        let _ = out.send(send_all(&db, &selection, &out));
    });
    Ok(SnapshotReader { position, keys, batches: Box::new(Batches { batches, is_over: false }) })
}

/// Opens a connection with a consistent view of the database. Returns the view's position and the number of all keys.
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

/// Sends all batches. The caller then sends the returned empty batch as the end.
fn send_all(
    db: &Connection,
    selection: &KeySelection,
    out: &SyncSender<Result<Rows, StoreError>>,
) -> Result<Rows, StoreError> {
    let since = selection.tombstones_since.micros();
    let workspace = selection.workspace.map(|workspace| workspace.to_string());
    let (sql, values): (_, Vec<&dyn ToSql>) = match &workspace {
        Some(workspace) => (ALL_OF_ONE, vec![&since, workspace]),
        None => (ALL, vec![&since]),
    };
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(&values[..])?;
    let (mut batch, mut keys, mut last) = (Rows::default(), 0, None);
    while let Some(row) = rows.next()? {
        let revision: i64 = row.get(REVISION)?;
        if last.replace(revision) != Some(revision) {
            // The secrets of a key must be in the same batch.
            if keys == BATCH {
                keys = 0;
                if out.send(Ok(std::mem::take(&mut batch))).is_err() {
                    return Ok(Rows::default());
                }
            }
            keys += 1;
        }
        batch.push(row)?;
    }
    if !batch.values.is_empty() {
        let _ = out.send(Ok(batch));
    }
    Ok(Rows::default())
}

/// Unparsed rows. They are parsed on the receiving thread, so that both threads share the work evenly.
#[derive(Default)]
struct Rows {
    values: Vec<CopiedValue>,
    /// The contents of all texts and blobs, one after the other.
    bytes: Vec<u8>,
}

/// A value. A text or blob is the length of its content in [`Rows::bytes`].
enum CopiedValue {
    Null,
    Integer(i64),
    Real(f64),
    Text(usize),
    Blob(usize),
}

/// The values of a row.
type Values<'a> = [ValueRef<'a>; COLUMNS];

impl Rows {
    fn push(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        for column in 0..COLUMNS {
            let (value, bytes) = match row.get_ref(column)? {
                ValueRef::Null => (CopiedValue::Null, &[][..]),
                ValueRef::Integer(number) => (CopiedValue::Integer(number), &[][..]),
                ValueRef::Real(number) => (CopiedValue::Real(number), &[][..]),
                ValueRef::Text(text) => (CopiedValue::Text(text.len()), text),
                ValueRef::Blob(blob) => (CopiedValue::Blob(blob.len()), blob),
            };
            self.values.push(value);
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn records(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let mut records: Vec<KeyRecord> = Vec::with_capacity(BATCH);
        let mut rest = &self.bytes[..];
        let mut next = |length| {
            let (bytes, behind) = rest.split_at(length);
            rest = behind;
            bytes
        };
        for row in self.values.as_chunks().0 {
            let row: Values<'_> = row.each_ref().map(|value| match *value {
                CopiedValue::Null => ValueRef::Null,
                CopiedValue::Integer(number) => ValueRef::Integer(number),
                CopiedValue::Real(number) => ValueRef::Real(number),
                CopiedValue::Text(length) => ValueRef::Text(next(length)),
                CopiedValue::Blob(length) => ValueRef::Blob(next(length)),
            });
            let revision = Revision(get(&row, REVISION)?);
            match records.last_mut() {
                Some(last) if last.revision == revision => last.secrets.extend(secret(&row)?),
                _ => records.push(record_of(&row, revision)?),
            }
        }
        Ok(records)
    }
}

/// Receives the batches. If the sender goes away before it has sent an empty batch, reading has failed.
struct Batches {
    batches: Receiver<Result<Rows, StoreError>>,
    is_over: bool,
}

impl Iterator for Batches {
    type Item = Result<Vec<KeyRecord>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.batches.recv().unwrap_or_else(|gone| Err(std::io::Error::other(gone).into()));
        let records = next.and_then(|rows| rows.records());
        self.is_over = records.as_ref().map_or(true, Vec::is_empty);
        (!records.as_ref().is_ok_and(Vec::is_empty)).then_some(records)
    }
}

fn record_of(row: &Values<'_>, revision: Revision) -> Result<KeyRecord, StoreError> {
    let terms = TermsColumns {
        permissions: get(row, 6)?,
        restrictions: text(row, 7)?,
        expires_at: get(row, 8)?,
        deleted_at: get(row, 9)?,
        paused_at: get(row, 12)?,
        paused_until: get(row, 13)?,
    };
    Ok(KeyRecord {
        key: parsed(row, 1)?,
        revision,
        workspace: parsed(row, 2)?,
        name: text(row, 3)?.into(),
        class: parsed(row, 4)?,
        scopes: record::scopes(text(row, 5)?),
        terms: terms.terms()?,
        secrets: secret(row)?.into_iter().collect(),
    })
}

fn secret(row: &Values<'_>) -> Result<Option<(Digest, keyrack_key::SecretState)>, StoreError> {
    let digest: Option<[u8; 32]> = get(row, 10)?;
    let retires_at: Option<i64> = get(row, 11)?;
    let state = record::secret_state(retires_at.map(Timestamp::from_micros));
    Ok(digest.map(|digest| (Digest::from_bytes(digest), state)))
}

fn get<T: FromSql>(row: &Values<'_>, column: usize) -> Result<T, StoreError> {
    T::column_result(row[column]).map_err(|_| corrupt(column))
}

fn text<'a>(row: &Values<'a>, column: usize) -> Result<&'a str, StoreError> {
    row[column].as_str().map_err(|_| corrupt(column))
}

fn parsed<T: FromStr>(row: &Values<'_>, column: usize) -> Result<T, StoreError> {
    text(row, column)?.parse().map_err(|_| corrupt(column))
}

const fn corrupt(column: usize) -> StoreError {
    StoreError::Corrupt { what: NAMES[column] }
}
