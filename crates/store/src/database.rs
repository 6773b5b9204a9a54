//! The only module that knows which database is used: opening, transactions, statements, and columns.

mod connection;
mod migrations;
mod query;
mod reader_permits;
mod readers;
mod row;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use keyrack_rack::ChangeId;
use rand_core::Rng;
use tokio::task::spawn_blocking;

use connection::open_writer;
pub(crate) use connection::{Connection, Executor};
pub(crate) use query::{Query, query};
pub(crate) use readers::{Reader, Readers};
pub(crate) use row::{
    Row, bytes, column, number, number_optional, parsed, parsed_optional, time, time_optional,
};
pub(crate) use writer::Write;
use writer::Writer;

use crate::reserve::NoReserve;
use crate::tenant::{Tenant, tenant};
use crate::{Reserve, StoreError};

/// Keyrack's database. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    /// The only writing connection, because SQLite has a single writer. Callers queue here instead of finding it busy.
    writer: Writer,
    readers: Readers,
    reserve: Arc<dyn Reserve>,
    rng: Mutex<Box<dyn Rng + Send>>,
}

impl Store {
    /// Opens the file at `path`, creates it if it doesn't exist, and migrates its schema. Only the user of the process
    /// can read the file. `rng` creates the IDs of changes.
    pub async fn open(path: &Path, rng: impl Rng + Send + 'static) -> Result<Self, StoreError> {
        Self::open_with_reserve(path, rng, Arc::new(NoReserve)).await
    }

    /// Like [`open`](Self::open), with disk space that is reserved for writes that must always succeed.
    pub async fn open_with_reserve(
        path: &Path,
        rng: impl Rng + Send + 'static,
        reserve: Arc<dyn Reserve>,
    ) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let for_writer = Arc::clone(&reserve);
        let opened = spawn_blocking(move || {
            protect(&path)?;
            let mut db = open_writer(&path, &*for_writer)?;
            migrations::migrate(&mut db)?;
            let readers = Readers::open(&path)?;
            Ok::<_, StoreError>((path, db, readers))
        });
        let (path, db, readers) = opened.await.map_err(std::io::Error::from)??;
        let writer = Writer::new(db, path.clone(), Arc::clone(&reserve));
        let rng: Mutex<Box<dyn Rng + Send>> = Mutex::new(Box::new(rng));
        Ok(Self { shared: Arc::new(Shared { path, writer, readers, reserve, rng }) })
    }

    /// Waits for running statements, moves the write-ahead log into the file, and closes the file. Later calls fail.
    pub async fn close(&self) {
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> PathBuf {
        self.shared.path.clone()
    }

    /// The read-only connections, for a single query.
    pub(crate) fn readers(&self) -> &Readers {
        &self.shared.readers
    }

    /// Returns a connection for several queries that must see the same state.
    pub(crate) async fn read(&self) -> Result<Reader, StoreError> {
        self.shared.readers.begin().await
    }

    /// Starts a write that adds data. Returns [`StoreError::DiskFull`] if only reserved disk space is left.
    pub(crate) async fn write_new_data(&self) -> Result<Write, StoreError> {
        self.write_new_data_for(tenant()).await
    }

    /// Like [`write_new_data`](Self::write_new_data), in the queue of `tenant`.
    pub(crate) async fn write_new_data_for(&self, tenant: Tenant) -> Result<Write, StoreError> {
        self.require_space()?;
        self.write_for(tenant).await
    }

    /// Returns [`StoreError::DiskFull`] if only reserved disk space is left.
    pub(crate) fn require_space(&self) -> Result<(), StoreError> {
        if self.shared.reserve.admits_new_data() { Ok(()) } else { Err(StoreError::DiskFull) }
    }

    /// Starts a write that must succeed on a nearly full disk. Only for writes that delete data, and for those that nobody can
    /// repeat without end, such as the deletion of a key: other writes would use up the reserve.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        self.write_for(tenant()).await
    }

    /// Like [`write`](Self::write), in the queue of `tenant`.
    pub(crate) async fn write_for(&self, tenant: Tenant) -> Result<Write, StoreError> {
        self.shared.writer.turn(tenant).await
    }

    /// Runs a statement in its own transaction. Returns the number of changed rows.
    pub(crate) async fn change(&self, query: Query) -> Result<u64, StoreError> {
        let mut db = self.write().await?;
        let changed = query.execute(&mut *db).await?.rows_affected();
        db.commit().await?;
        Ok(changed)
    }

    pub(crate) fn change_id(&self) -> ChangeId {
        let mut id = ChangeId::default();
        let mut rng = self.shared.rng.lock().unwrap_or_else(PoisonError::into_inner);
        rng.fill_bytes(&mut id.0);
        id
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store(SQLite)")
    }
}

/// Creates the file before SQLite does, so that others can never read it. SQLite gives its side files the same mode.
fn protect(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}
