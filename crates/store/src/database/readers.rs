//! Connections that only read. They never wait for the writer (WAL), so a few serve many requests.
//!
//! Workspaces take turns, and none has all of the readers: one is left to others, however long its queries take.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard, oneshot};
use tokio::task::spawn_blocking;

use super::connection::{Answer, Connection, Executor, Native, Place, Work, open};
use crate::StoreError;
use crate::tenant::{Tenant, tenant};
use crate::turns::Turns;

const READERS: usize = 4;
/// So many of them has one workspace at most.
const OF_A_WORKSPACE: usize = READERS - 1;

pub(crate) struct Readers {
    all: Mutex<Vec<Arc<tokio::sync::Mutex<Native>>>>,
    queue: Arc<Queue>,
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

    /// Waits for a reader.
    pub(crate) async fn acquire(&self) -> Result<Reader, StoreError> {
        let permit = self.queue.permit(tenant()).await?;
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
        self.queue.close().await;
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        // It fails only with its runtime, and nothing of a reader could be lost.
        let _ = spawn_blocking(move || drop(all)).await;
    }
}

/// Who has a reader, and who waits for one.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Notified when the last reader came back after the queue was closed.
    idle: Notify,
}

struct State {
    free: usize,
    is_closed: bool,
    held: HashMap<Tenant, usize>,
    waiting: Turns<oneshot::Sender<Permit>>,
}

impl Default for State {
    fn default() -> Self {
        Self { free: READERS, is_closed: false, held: HashMap::new(), waiting: Turns::new() }
    }
}

/// The right to one of the readers.
struct Permit {
    queue: Arc<Queue>,
    tenant: Tenant,
}

impl Queue {
    async fn permit(self: &Arc<Self>, tenant: Tenant) -> Result<Permit, StoreError> {
        let turn = {
            let mut state = self.state();
            if state.is_closed {
                return Err(StoreError::Closed);
            }
            if state.may_take(tenant) {
                // Those who wait are at their limits, else they had it.
                state.take(tenant);
                return Ok(Permit { queue: Arc::clone(self), tenant });
            }
            let (waiting, turn) = oneshot::channel();
            state.waiting.push(tenant, waiting);
            turn
        };
        turn.await.map_err(|_| StoreError::Closed)
    }

    /// Hands out what is free.
    fn hand_out(self: &Arc<Self>) {
        while let Some((tenant, waiting)) = self.next() {
            // Most of those who don't wait any more are passed over here. Where one goes away in this very moment, its permit
            // comes back by being dropped.
            if waiting.is_closed() {
                self.state().give_back(tenant);
            } else {
                let _ = waiting.send(Permit { queue: Arc::clone(self), tenant });
            }
        }
    }

    fn next(&self) -> Option<(Tenant, oneshot::Sender<Permit>)> {
        let mut state = self.state();
        let State { free, held, waiting, .. } = &mut *state;
        let next = waiting.pop(|tenant| may_take(*free, held, tenant))?;
        state.take(next.0);
        Some(next)
    }

    /// Lets those who wait come to their turn, and waits until all readers are back.
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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

/// The server's own work has no limit: its queries are short.
fn may_take(free: usize, held: &HashMap<Tenant, usize>, tenant: Tenant) -> bool {
    free > 0 && (tenant.is_none() || held.get(&tenant).is_none_or(|held| *held < OF_A_WORKSPACE))
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.queue.state().give_back(self.tenant);
        self.queue.hand_out();
        let state = self.queue.state();
        if state.is_closed && state.is_idle() {
            self.queue.idle.notify_waiters();
        }
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
    _permit: Permit,
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
