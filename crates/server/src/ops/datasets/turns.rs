//! One at a time for each upload: what is sent again and what is recorded again would otherwise meet half-way.
//!
//! In this process alone, which is enough: the folder's lock sees to it that there is no other.

use std::sync::Arc;

use keyrack_key::UploadId;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// So few that they cost nothing, so many that strangers seldom share one.
const TURNS: u8 = 64;

/// Turns at uploads.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<[Arc<Mutex<()>>]>);

impl Turns {
    pub(super) fn new() -> Self {
        Self((0..TURNS).map(|_| Arc::default()).collect())
    }

    /// Waits until nobody else is at the upload.
    pub(super) async fn take(&self, upload: UploadId) -> OwnedMutexGuard<()> {
        // The last byte of an id is random.
        let turn = upload.as_bytes()[15] % TURNS;
        Arc::clone(&self.0[usize::from(turn)]).lock_owned().await
    }
}
