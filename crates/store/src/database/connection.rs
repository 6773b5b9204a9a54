//! Connections, and the thread on which their statements run: the current one, or one that may block.
//!
//! Most statements of a write take about ten microseconds, and moving them to another thread takes many times
//! as long. Statements that wait for the disk or touch many rows run on a blocking thread, so that requests
//! are served in the meantime.

use std::ops::Deref;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use tokio::sync::OwnedMutexGuard;
use tokio::task::{coop, spawn_blocking};

use super::reader_permits::ReaderPermit;
use crate::StoreError;
use crate::reserve::Reserve;

/// The connection of `rusqlite`.
pub(crate) type Native = rusqlite::Connection;

/// How long a write waits for another program that writes the same file, such as `sqlite3`.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// The number of cached prepared statements, more than the store has.
const PREPARED: usize = 512;
/// SQLite's default, in bytes.
const PAGE_BYTES: u64 = 4096;
/// The pages of the write-ahead log after which SQLite copies them to the database.
const LOG_PAGES_MAX: u64 = 4_000;

/// Opens the file at `path`. With `synchronous=FULL`, a confirmed deletion survives a power failure.
pub(super) fn open(path: &Path) -> rusqlite::Result<Native> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Native::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(PREPARED);
    // Without this setting, SQLite plans each join again for each bound value, which takes as long as
    // the rest of creating a key.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The digests of secrets are spread over their index. With a cache of 16 MiB, creating keys is faster.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384",
    )?;
    Ok(db)
}

/// Opens the file at `path` for the writer. Its write-ahead log gets longer than SQLite's default, because creating keys is
/// a tenth faster with fewer checkpoints, but no longer than `reserve` allows.
pub(super) fn open_writer(path: &Path, reserve: &dyn Reserve) -> rusqlite::Result<Native> {
    let db = open(path)?;
    let pages = reserve.log_bytes_max().map_or(LOG_PAGES_MAX, |bytes| bytes / PAGE_BYTES);
    db.pragma_update(None, "wal_autocheckpoint", pages.clamp(1, LOG_PAGES_MAX))?;
    Ok(db)
}

/// The thread on which a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryThread {
    /// The current thread. Readers always use a blocking thread, because their results may be large.
    Current,
    /// A thread that may block.
    Blocking,
}

/// A connection that the caller holds.
pub(crate) struct Connection {
    /// `None` while a statement runs on a blocking thread, and forever if its caller goes away before the end.
    held: Option<HeldConnection>,
}

enum HeldConnection {
    Writer(OwnedMutexGuard<Native>),
    Reader(ReaderConnection),
}

impl Connection {
    pub(super) const fn writer(db: OwnedMutexGuard<Native>) -> Self {
        Self { held: Some(HeldConnection::Writer(db)) }
    }

    pub(super) const fn reader(reader: ReaderConnection) -> Self {
        Self { held: Some(HeldConnection::Reader(reader)) }
    }
}

impl Deref for HeldConnection {
    type Target = Native;

    fn deref(&self) -> &Native {
        match self {
            Self::Writer(db) => db,
            Self::Reader(reader) => reader,
        }
    }
}

/// The connection of a reader. It returns to the pool on drop, even on a blocking thread whose caller went away.
pub(super) struct ReaderConnection {
    db: OwnedMutexGuard<Native>,
    // Fields are dropped in this order, so the permit is returned last.
    _permit: ReaderPermit,
}

impl ReaderConnection {
    pub(super) const fn new(db: OwnedMutexGuard<Native>, permit: ReaderPermit) -> Self {
        Self { db, _permit: permit }
    }
}

impl Deref for ReaderConnection {
    type Target = Native;

    fn deref(&self) -> &Native {
        &self.db
    }
}

impl Drop for ReaderConnection {
    fn drop(&mut self) {
        // An open read transaction would block checkpoints of the write-ahead log.
        if !self.db.is_autocommit() {
            // If this fails, the next `BEGIN` reports the failure.
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }
}

/// Work on the connection of `rusqlite`.
pub(crate) type Work<T> = Box<dyn FnOnce(&Native) -> Result<T, StoreError> + Send>;

/// The future of a statement's result.
pub(crate) type QueryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Runs queries: a connection, or any free reader.
pub(crate) trait Executor<'a> {
    /// Runs `work`. If the future is dropped, the work either doesn't start or its result is discarded.
    fn run<T: Send + 'static>(self, thread: QueryThread, work: Work<T>) -> QueryFuture<'a, T>;
}

impl<'a> Executor<'a> for &'a mut Connection {
    fn run<T: Send + 'static>(self, thread: QueryThread, work: Work<T>) -> QueryFuture<'a, T> {
        Box::pin(async move {
            if thread == QueryThread::Current && matches!(self.held, Some(HeldConnection::Writer(_))) {
                // Callers that run many statements yield the thread from time to time.
                coop::consume_budget().await;
                return work(self.held.as_ref().ok_or(StoreError::Closed)?);
            }
            let held = self.held.take().ok_or(StoreError::Closed)?;
            let blocking = spawn_blocking(move || {
                let result = work(&held);
                (held, result)
            });
            let (held, result) = blocking.await.map_err(std::io::Error::from)?;
            self.held = Some(held);
            result
        })
    }
}
