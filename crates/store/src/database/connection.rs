//! A connection, and where its statements run: in place, or on a thread that may block.
//!
//! Most statements of a writer take some ten microseconds, and handing them to another thread would take many times
//! that. What waits for the disk or touches many rows runs aside, so that requests are answered meanwhile.

use std::ops::Deref;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use tokio::sync::OwnedMutexGuard;
use tokio::task::{coop, spawn_blocking};

use super::readers::Loan;
use crate::StoreError;

/// SQLite itself.
pub(crate) type Native = rusqlite::Connection;

/// How long a writer waits for a program beside this one, such as `sqlite3` on the same file.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// Statements that stay prepared: more than the store has.
const PREPARED: usize = 512;

/// Opens the file at `path`. `synchronous=FULL`: a deletion that was answered survives the power cord.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Native> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Native::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(PREPARED);
    // Else SQLite plans each join anew for each value that is bound, which takes as long as all the rest of a create.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Secrets' digests fall anywhere in their index: with 16 MiB of it at hand and the log folded in every 4,000 pages, a tenth
    // more keys are made a second.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000",
    )?;
    Ok(db)
}

/// Where a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the thread that asks. A reader has no such place: what it finds may be long.
    Here,
    /// On a thread that may block.
    Aside,
}

/// A connection that somebody has for now.
pub(crate) struct Connection {
    /// Nothing while a statement runs aside, and nothing any more if its caller did not wait for the end.
    lent: Option<Lent>,
}

enum Lent {
    Writer(OwnedMutexGuard<Native>),
    Reader(Loan),
}

impl Connection {
    pub(crate) const fn writer(db: OwnedMutexGuard<Native>) -> Self {
        Self { lent: Some(Lent::Writer(db)) }
    }

    pub(super) const fn reader(loan: Loan) -> Self {
        Self { lent: Some(Lent::Reader(loan)) }
    }
}

impl Deref for Lent {
    type Target = Native;

    fn deref(&self) -> &Native {
        match self {
            Self::Writer(db) => db,
            Self::Reader(loan) => loan,
        }
    }
}

/// What is done with SQLite itself.
pub(crate) type Work<T> = Box<dyn FnOnce(&Native) -> Result<T, StoreError> + Send>;

/// What comes of it, when it is done.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What queries run on: a connection, or whichever reader is free.
pub(crate) trait Executor<'a> {
    /// Does `work`. Dropped half-way, it does not begin, or it ends unheard.
    fn run<T: Send + 'static>(self, place: Place, work: Work<T>) -> Answer<'a, T>;
}

impl<'a> Executor<'a> for &'a mut Connection {
    fn run<T: Send + 'static>(self, place: Place, work: Work<T>) -> Answer<'a, T> {
        Box::pin(async move {
            if place == Place::Here && matches!(self.lent, Some(Lent::Writer(_))) {
                // Whoever runs statement after statement lets others have the thread now and then.
                coop::consume_budget().await;
                return work(self.lent.as_ref().ok_or(StoreError::Closed)?);
            }
            let lent = self.lent.take().ok_or(StoreError::Closed)?;
            let aside = spawn_blocking(move || {
                let done = work(&lent);
                (lent, done)
            });
            let (lent, done) = aside.await.map_err(std::io::Error::from)?;
            self.lent = Some(lent);
            done
        })
    }
}
