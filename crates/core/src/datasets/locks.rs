//! Serializes the requests to each upload, because concurrent sends and records of the same upload would interfere.
//!
//! The locks are local to this process. That is enough, because the lock of the data folder excludes other processes.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use keyrack_key::UploadId;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedMutexGuard};

/// One lock per upload: requests to different uploads never wait for each other.
#[derive(Clone, Debug, Default)]
pub(super) struct UploadLocks(Arc<Mutex<HashMap<UploadId, Weak<tokio::sync::Mutex<()>>>>>);

/// The lock of an upload. Dropping the turn passes the lock to the next request.
#[derive(Debug)]
pub(super) struct UploadLock {
    guard: Option<OwnedMutexGuard<()>>,
    locks: UploadLocks,
    upload: UploadId,
}

impl UploadLocks {
    /// Waits until no other request holds the lock of the upload.
    pub(super) async fn take(&self, upload: UploadId) -> UploadLock {
        let turn = {
            let mut turns = self.0.lock();
            let known = turns.get(&upload).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(upload, Arc::downgrade(&turn));
                turn
            })
        };
        // Created before the wait, so that a request that is cancelled while waiting also cleans up.
        let mut taken = UploadLock { guard: None, locks: self.clone(), upload };
        taken.guard = Some(turn.lock_owned().await);
        taken
    }
}

impl Drop for UploadLock {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut turns = self.locks.0.lock();
        if turns.get(&self.upload).is_some_and(|turn| turn.strong_count() == 0) {
            turns.remove(&self.upload);
        }
    }
}

/// The current sending request of each upload URL.
#[derive(Clone, Debug, Default)]
pub(super) struct ActiveUploads(Arc<Mutex<HashMap<UploadId, Arc<Notify>>>>);

/// A request that sends to an upload URL, until another request replaces it.
#[derive(Debug)]
pub struct ActiveUpload {
    uploads: ActiveUploads,
    upload: UploadId,
    replaced: Arc<Notify>,
}

impl ActiveUploads {
    /// Registers a sending request and replaces the previous request, so that a lost connection does not block a
    /// client's retry.
    pub(super) fn begin(&self, upload: UploadId) -> ActiveUpload {
        let replaced = Arc::new(Notify::new());
        if let Some(before) = self.0.lock().insert(upload, Arc::clone(&replaced)) {
            before.notify_one();
        }
        ActiveUpload { uploads: self.clone(), upload, replaced }
    }
}

impl ActiveUpload {
    /// Waits until another request sends to the same URL.
    pub async fn replaced(&self) {
        self.replaced.notified().await;
    }
}

impl Drop for ActiveUpload {
    fn drop(&mut self) {
        let mut arrivals = self.uploads.0.lock();
        if arrivals.get(&self.upload).is_some_and(|current| Arc::ptr_eq(current, &self.replaced)) {
            arrivals.remove(&self.upload);
        }
    }
}

#[cfg(test)]
mod tests {
    use keyrack_key::Timestamp;
    use rand_core::UnwrapErr;

    use super::*;

    fn uploads(count: u64) -> Vec<UploadId> {
        let mut rng = UnwrapErr(getrandom::SysRng);
        (0..count).map(|_| UploadId::new(Timestamp::from_micros(1), &mut rng)).collect()
    }

    #[tokio::test]
    async fn upload_lock_blocks_its_own_upload_only() {
        let (locks, uploads) = (UploadLocks::default(), uploads(1_001));
        let mut held = Vec::new();
        for upload in &uploads[..1_000] {
            held.push(locks.take(*upload).await);
        }
        assert!(futures_util::poll!(Box::pin(locks.take(uploads[1_000]))).is_ready());
        {
            let mut second = Box::pin(locks.take(uploads[0]));
            assert!(futures_util::poll!(&mut second).is_pending());
        }
        drop(held);
        assert!(locks.0.lock().is_empty());
    }

    #[tokio::test]
    async fn newest_upload_request_replaces_the_previous_one() {
        let (active, uploads) = (ActiveUploads::default(), uploads(2));
        let first = active.begin(uploads[0]);
        let other = active.begin(uploads[1]);
        assert!(futures_util::poll!(Box::pin(first.replaced())).is_pending());
        let second = active.begin(uploads[0]);
        assert!(futures_util::poll!(Box::pin(first.replaced())).is_ready());
        drop(first);
        assert!(futures_util::poll!(Box::pin(second.replaced())).is_pending());
        assert!(futures_util::poll!(Box::pin(other.replaced())).is_pending());
        drop((second, other));
        assert!(active.0.lock().is_empty());
    }
}
