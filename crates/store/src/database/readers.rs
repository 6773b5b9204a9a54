//! A pool of read-only connections. They never wait for the writer (WAL), so a few serve many requests.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;

use super::connection::{
    Connection, Executor, Native, QueryFuture, QueryThread, ReaderConnection, Work, open,
};
use super::reader_permits::{PermitQueue, READERS};
use crate::StoreError;
use crate::tenant::tenant;

pub(crate) struct Readers {
    all: Mutex<Vec<Arc<tokio::sync::Mutex<Native>>>>,
    queue: Arc<PermitQueue>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let reader = |_| {
            let db = open(path)?;
            db.pragma_update(None, "query_only", true)?;
            Ok(Arc::new(tokio::sync::Mutex::new(db)))
        };
        let all = (0..READERS).map(reader).collect::<rusqlite::Result<_>>()?;
        Ok(Self { all: Mutex::new(all), queue: Arc::default() })
    }

    /// Waits for a free connection.
    pub(crate) async fn acquire(&self) -> Result<Reader, StoreError> {
        let permit = self.queue.permit(tenant()).await?;
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let free = all.iter().find_map(|db| Arc::clone(db).try_lock_owned().ok());
        let db = free.ok_or(StoreError::Closed)?;
        Ok(Reader(Connection::reader(ReaderConnection::new(db, permit))))
    }

    /// Returns a connection that sees a consistent state until it is dropped.
    pub(super) async fn begin(&self) -> Result<Reader, StoreError> {
        let mut reader = self.acquire().await?;
        // The first query fixes the state.
        reader.run(QueryThread::Blocking, Box::new(|db| Ok(db.execute_batch("BEGIN")?))).await?;
        Ok(reader)
    }

    /// Waits for all readers to finish, then closes the pool. Later calls fail.
    pub(super) async fn close(&self) {
        self.queue.close().await;
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        // Closing fails only if the runtime ends. Readers have no data to lose.
        let _ = spawn_blocking(move || drop(all)).await;
    }
}

impl<'a> Executor<'a> for &'a Readers {
    fn run<T: Send + 'static>(self, thread: QueryThread, work: Work<T>) -> QueryFuture<'a, T> {
        Box::pin(async move { self.acquire().await?.run(thread, work).await })
    }
}

/// A read-only connection that the caller holds.
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
