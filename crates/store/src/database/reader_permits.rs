//! Permits for the read-only connections. Workspaces take turns, and a workspace can't hold all permits: one is left
//! for others, however long its queries take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::StoreError;
use crate::tenant::Tenant;
use crate::turns::Turns;

/// The number of read-only connections.
pub(super) const READERS: usize = 4;
/// The most connections that a workspace may hold.
const WORKSPACE_READERS_MAX: usize = READERS - 1;

/// The held connections, and the queue of waiting callers.
#[derive(Default)]
pub(super) struct PermitQueue {
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
pub(super) struct ReaderPermit {
    queue: Arc<PermitQueue>,
    tenant: Tenant,
}

impl PermitQueue {
    /// Waits for a permit. Returns [`StoreError::Closed`] if the pool is closed.
    pub(super) async fn permit(self: &Arc<Self>, tenant: Tenant) -> Result<ReaderPermit, StoreError> {
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
    pub(super) async fn close(&self) {
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
