//! Denied requests: recorded for a limited time, so that a member of the workspace can look up why a request was denied
//! and where to change the key.

mod deferred;
mod explanation;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use keyrack_key::QuotaState;
use keyrack_rack::DeniedCheck;
use keyrack_store::{DeniedRequest, Store};
use parking_lot::Mutex;

use super::{AuthorizedCaller, OpError};
use crate::shares::{Backlog, Claimant};
pub use deferred::DeferredDenials;
pub use explanation::{CheckOutcome, CheckStep, DenialExplanation, EditLocation};

/// Denied requests that are not yet written. Each shelf has its own lock, so that no request waits for a lock. A full
/// shelf drops the requests of the key and the workspace that have the most on the shelf.
const SHELVES: usize = 8;
const ON_A_SHELF: usize = 256;

/// A key that an operation denies after the guard allowed it.
#[derive(Clone, Debug)]
pub struct DeniedKey {
    pub check: DeniedCheck,
    pub detail: DenialDetail,
}

/// The limit that a denied request exceeds.
#[derive(Clone, Copy, Debug)]
pub enum DenialDetail {
    /// The quota that is used up.
    Quota(QuotaState),
    /// The largest image that the key may send, in bytes.
    ImageBytes(NonZeroU32),
}

/// Writes denied requests to the store and reads them back.
#[derive(Clone, Debug)]
pub struct DenialLog {
    store: Store,
    pending: Arc<PendingDenials>,
}

#[derive(Debug)]
struct PendingDenials {
    shelves: [Mutex<Backlog<DeniedRequest>>; SHELVES],
    /// The shelf that the next request tries first.
    next: AtomicUsize,
    dropped: AtomicU64,
    /// Held during a write to the store.
    writing: tokio::sync::Mutex<()>,
}

impl DenialLog {
    /// Records denied requests in `store`.
    pub fn new(store: Store) -> Self {
        let shelves = std::array::from_fn(|_| Mutex::new(Backlog::new(ON_A_SHELF)));
        let (next, dropped, writing) = Default::default();
        Self { store, pending: Arc::new(PendingDenials { shelves, next, dropped, writing }) }
    }

    /// Records a denied request with a delay. Never blocks: if all shelves are locked, the request is dropped.
    pub fn record(&self, claimant: Claimant, denied: DeniedRequest) {
        let PendingDenials { shelves, next, dropped, .. } = &*self.pending;
        let first = next.fetch_add(1, Ordering::Relaxed) % SHELVES;
        let mut in_turn = shelves.iter().cycle().skip(first).take(SHELVES);
        let free = in_turn.find_map(Mutex::try_lock);
        let is_kept = free.is_some_and(|mut shelf| shelf.push(claimant, denied).is_none());
        if !is_kept {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes the requests that were recorded since the last call. Runs each second, and when a caller requests an
    /// explanation that is not in the store yet. Requests that cannot be written are dropped.
    pub async fn flush(&self) {
        let _writing = self.pending.writing.lock().await;
        let shelves = self.pending.shelves.iter();
        let mut denied: Vec<_> = shelves.flat_map(|shelf| shelf.lock().drain()).collect();
        denied.sort_by_key(|one| one.at);
        if denied.is_empty() {
            return;
        }
        if let Err(error) = self.store.store_denied_requests(&denied).await {
            let lost = denied.len() as u64;
            self.pending.dropped.fetch_add(lost, Ordering::Relaxed);
            tracing::warn!(%error, lost, "denied requests could not be written");
        }
    }

    /// The number of dropped requests: there were too many, or the write failed.
    pub fn dropped(&self) -> u64 {
        self.pending.dropped.load(Ordering::Relaxed)
    }

    /// Explains why a request in the workspace was denied.
    pub async fn explain(&self, by: &AuthorizedCaller, request: &str) -> Result<DenialExplanation, OpError> {
        let gone = || OpError::NotFound("denied request");
        let mut denied = self.store.denied_request(by.workspace, request).await?;
        if denied.is_none() {
            // The denial may be less than a second old. The write runs in a separate task, so that a client that
            // disconnects does not lose the requests in transit.
            let log = self.clone();
            tokio::spawn(async move { log.flush().await }).await.map_err(OpError::internal)?;
            denied = self.store.denied_request(by.workspace, request).await?;
        }
        let denied = denied.ok_or_else(gone)?;
        let key = self.store.key(by.workspace, denied.key).await?.ok_or_else(gone)?;
        Ok(DenialExplanation::of(denied, key))
    }
}

/// Whether the text has the format of a request id. People paste other text into the form, their keys included.
pub fn is_request_id(text: &str) -> bool {
    let hex = text.strip_prefix("req_").unwrap_or_default();
    hex.len() == 24 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use keyrack_key::Timestamp;
    use rand_core::UnwrapErr;

    use super::*;
    use crate::shares::tests::claimants;

    #[tokio::test]
    async fn flood_of_denials_drops_none_of_another_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyrack.db");
        let store = Store::open(&path, UnwrapErr(getrandom::SysRng)).await.unwrap();
        let (log, claimants) = (DenialLog::new(store), claimants(2, 40));
        let denied = |request: String| DeniedRequest {
            request,
            key: keyrack_key::KeyId::new(Timestamp::from_micros(1), &mut UnwrapErr(getrandom::SysRng)),
            at: Timestamp::from_micros(1),
            code: "expired".to_owned(),
            permission: None,
            address: None,
            origin: None,
            agent: String::new(),
            method: "GET".to_owned(),
            route: "/".to_owned(),
        };
        for number in 0..20_000 {
            log.record(claimants[0][number % 40], denied("flood".to_owned()));
            if number % 1_000 == 0 {
                log.record(claimants[1][0], denied("other".to_owned()));
            }
        }
        let left: Vec<_> = log.pending.shelves.iter().flat_map(|shelf| shelf.lock().drain()).collect();
        assert_eq!(left.len(), SHELVES * ON_A_SHELF);
        assert_eq!(left.iter().filter(|one| one.request == "other").count(), 20);
        assert_eq!(log.dropped(), 20_020 - left.len() as u64);
    }
}
