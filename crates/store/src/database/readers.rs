//! A pool of read-only connections. They never wait for the writer (WAL), so a few serve many requests.
//!
//! Workspaces take turns, and a workspace can't hold all connections: one is left for others,
//! however long its queries take.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard, oneshot};
use tokio::task::spawn_blocking;

use super::connection::{Connection, Executor, Native, QueryFuture, QueryThread, Work, open};
use crate::StoreError;
use crate::tenant::{Tenant, tenant};
use crate::turns::Turns;

const READERS: usize = 4;
/// The most connections that a workspace may hold.
const WORKSPACE_READERS_MAX: usize = READERS - 1;

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
        Ok(Reader(Connection::reader(ReaderConnection { db, _permit: permit })))
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

/// The held connections, and the queue of waiting callers.
#[derive(Default)]
struct PermitQueue {
    state: Mutex<PermitState>,
    /// Notified when the last connection returns after the pool was closed.
    idle: Notify,
}

struct PermitState {
    free: usize,
    is_closed: bool,
    held: HashMap<Tenant, usize>,
    waiting: Turns<oneshot::Sender<ReaderPermit>>,
}

impl Default for PermitState {
    fn default() -> Self {
        Self { free: READERS, is_closed: false, held: HashMap::new(), waiting: Turns::new() }
    }
}

/// The right to hold a connection.
struct ReaderPermit {
    queue: Arc<PermitQueue>,
    tenant: Tenant,
}

impl PermitQueue {
    async fn permit(self: &Arc<Self>, tenant: Tenant) -> Result<ReaderPermit, StoreError> {
        let turn = {
            let mut state = self.state();
            if state.is_closed {
                return Err(StoreError::Closed);
            }
            if state.may_take(tenant) {
                // Waiting callers are at their limit, otherwise they would hold a permit.
                state.take(tenant);
                return Ok(ReaderPermit { queue: Arc::clone(self), tenant });
            }
            let (waiting, turn) = oneshot::channel();
            state.waiting.push(tenant, waiting);
            turn
        };
        turn.await.map_err(|_| StoreError::Closed)
    }

    /// Gives free permits to waiting callers.
    fn grant_permits(self: &Arc<Self>) {
        while let Some((tenant, waiting)) = self.next() {
            // This skips most callers that went away. If one goes away right now, its permit
            // returns when it is dropped.
            if waiting.is_closed() {
                self.state().give_back(tenant);
            } else {
                let _ = waiting.send(ReaderPermit { queue: Arc::clone(self), tenant });
            }
        }
    }

    fn next(&self) -> Option<(Tenant, oneshot::Sender<ReaderPermit>)> {
        let mut state = self.state();
        let PermitState { free, held, waiting, .. } = &mut *state;
        let next = waiting.pop(|tenant| may_take(*free, held, tenant))?;
        state.take(next.0);
        Some(next)
    }

    /// Waits until all waiting callers had their turn and all connections have returned.
    async fn close(&self) {
        self.state().is_closed = true;
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.state().is_idle() {
                return;
            }
            idle.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, PermitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PermitState {
    fn may_take(&self, tenant: Tenant) -> bool {
        may_take(self.free, &self.held, tenant)
    }

    fn take(&mut self, tenant: Tenant) {
        self.free -= 1;
        *self.held.entry(tenant).or_default() += 1;
    }

    fn give_back(&mut self, tenant: Tenant) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(&tenant) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&tenant);
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.free == READERS && self.waiting.is_empty()
    }
}

/// The server's own work has no limit, because its queries are short.
fn may_take(free: usize, held: &HashMap<Tenant, usize>, tenant: Tenant) -> bool {
    free > 0 && (tenant.is_none() || held.get(&tenant).is_none_or(|held| *held < WORKSPACE_READERS_MAX))
}

impl Drop for ReaderPermit {
    fn drop(&mut self) {
        self.queue.state().give_back(self.tenant);
        self.queue.grant_permits();
        let state = self.queue.state();
        if state.is_closed && state.is_idle() {
            self.queue.idle.notify_waiters();
        }
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

/// The connection of a reader. It returns to the pool on drop, even on a blocking thread whose caller went away.
pub(super) struct ReaderConnection {
    db: OwnedMutexGuard<Native>,
    // Fields are dropped in this order, so the permit is returned last.
    _permit: ReaderPermit,
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
