//! Connections that only read. They never wait for the writer (WAL), so a few serve many requests.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::connection::{Answer, Connection, Executor, Native, Place, Work, open};
use crate::StoreError;

const READERS: u32 = 4;

pub(crate) struct Readers {
    all: Mutex<Vec<Arc<tokio::sync::Mutex<Native>>>>,
    /// As many as there are readers that nobody has.
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let reader = |_| {
            let db = open(path)?;
            db.pragma_update(None, "query_only", true)?;
            Ok(Arc::new(tokio::sync::Mutex::new(db)))
        };
        let all = (0..READERS).map(reader).collect::<rusqlite::Result<_>>()?;
        Ok(Self { all: Mutex::new(all), free: Arc::new(Semaphore::new(READERS as usize)) })
    }

    /// Waits for a reader.
    pub(crate) async fn acquire(&self) -> Result<Reader, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let free = all.iter().find_map(|db| Arc::clone(db).try_lock_owned().ok());
        let db = free.ok_or(StoreError::Closed)?;
        Ok(Reader(Connection::reader(Loan { db, _permit: permit })))
    }

    /// A reader that sees one state of everything until it is dropped.
    pub(super) async fn begin(&self) -> Result<Reader, StoreError> {
        let mut reader = self.acquire().await?;
        // It sees the state at its first query.
        reader.run(Place::Aside, Box::new(|db| Ok(db.execute_batch("BEGIN")?))).await?;
        Ok(reader)
    }

    /// Waits for all that read, and closes. Whoever comes later is refused.
    pub(super) async fn close(&self) {
        // It fails where they are closed already.
        let Ok(_all_of_them) = self.free.acquire_many(READERS).await else { return };
        self.free.close();
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        // It fails only with its runtime, and nothing of a reader could be lost.
        let _ = spawn_blocking(move || drop(all)).await;
    }
}

impl<'a> Executor<'a> for &'a Readers {
    fn run<T: Send + 'static>(self, place: Place, work: Work<T>) -> Answer<'a, T> {
        Box::pin(async move { self.acquire().await?.run(place, work).await })
    }
}

/// A reader that somebody has for now.
pub(crate) struct Reader(Connection);

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

/// A reader's connection. It goes back when it is dropped, be it on a thread aside whose caller did not wait.
pub(super) struct Loan {
    db: OwnedMutexGuard<Native>,
    // Goes back last: fields are dropped in this order.
    _permit: OwnedSemaphorePermit,
}

impl Deref for Loan {
    type Target = Native;

    fn deref(&self) -> &Native {
        &self.db
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // A state that somebody still looked at would keep the log from being folded into the file.
        if !self.db.is_autocommit() {
            // The next `BEGIN` on it tells of a failure.
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }
}
