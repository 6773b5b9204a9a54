//! Requests that were refused: kept for a while, so that whoever has the id of one learns why, and where that is changed.

mod explained;
mod late;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;
use keyrack_guard::{Problem, Refusal};
use keyrack_key::Permission;
use keyrack_store::{RefusedRequest, Store};
use tokio::sync::Mutex;

use super::{Acting, OpError};
pub use explained::{Explained, Place, Result as CheckResult, Step, place_of};
pub use late::Late;

/// Refused requests between two writes; more push out the oldest.
const ROOM: usize = 2_048;

/// A key that was refused, what is said about that, and what the check saw where it was not the request itself.
#[derive(Debug)]
pub struct Refused {
    pub refusal: Refusal,
    pub problem: Problem,
    pub saw: Option<Saw>,
}

/// What a check was asked about.
#[derive(Clone, Debug)]
pub struct Saw {
    pub permission: Option<Permission>,
    pub address: Option<IpAddr>,
    pub origin: Option<String>,
}

impl Refused {
    /// What it saw, for an answer's extensions.
    pub fn saw(&self) -> http::Extensions {
        let mut extensions = http::Extensions::new();
        if let Some(saw) = &self.saw {
            extensions.insert(saw.clone());
        }
        extensions
    }
}

/// Requests that were refused, on their way into the store and out of it.
#[derive(Clone, Debug)]
pub struct Refusals {
    store: Store,
    waiting: Arc<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    queue: ArrayQueue<RefusedRequest>,
    dropped: AtomicU64,
    /// Held while some are on their way into the store.
    writing: Mutex<()>,
}

impl Refusals {
    /// Refusals that `store` remembers.
    pub fn new(store: Store) -> Self {
        let waiting =
            Waiting { queue: ArrayQueue::new(ROOM), dropped: AtomicU64::new(0), writing: Mutex::default() };
        Self { store, waiting: Arc::new(waiting) }
    }

    /// Remembers one, soon. Nobody waits for that.
    pub fn note(&self, refused: RefusedRequest) {
        if self.waiting.queue.force_push(refused).is_some() {
            self.waiting.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes down what was noted since the last time: each second, and when somebody asks for one that is not there yet.
    /// What cannot be written is lost.
    pub async fn write_down(&self) {
        let _writing = self.waiting.writing.lock().await;
        let here = self.waiting.queue.len();
        let refused: Vec<_> = std::iter::from_fn(|| self.waiting.queue.pop()).take(here).collect();
        if refused.is_empty() {
            return;
        }
        if let Err(error) = self.store.note_refusals(&refused).await {
            let lost = refused.len() as u64;
            self.waiting.dropped.fetch_add(lost, Ordering::Relaxed);
            tracing::warn!(%error, lost, "requests that were refused could not be written");
        }
    }

    /// How many were not remembered: there were too many, or they could not be written.
    pub fn dropped(&self) -> u64 {
        self.waiting.dropped.load(Ordering::Relaxed)
    }

    /// Why a request of the workspace was refused.
    pub async fn explain(&self, by: &Acting, request: &str) -> Result<Explained, OpError> {
        let gone = || OpError::NotFound("refused request here; see what is kept, and for how long");
        let mut refused = self.store.refused_request(by.workspace, request).await?;
        if refused.is_none() {
            // It may have been refused just now. Apart from this request, whose end would lose what is on its way.
            let refusals = self.clone();
            tokio::spawn(async move { refusals.write_down().await }).await.map_err(OpError::internal)?;
            refused = self.store.refused_request(by.workspace, request).await?;
        }
        let refused = refused.ok_or_else(gone)?;
        let key = self.store.key(by.workspace, refused.key).await?.ok_or_else(gone)?;
        Ok(Explained::of(refused, key))
    }
}

/// Whether this is how ids of requests look. People paste all sorts of things, their keys among them.
pub fn is_request_id(text: &str) -> bool {
    let hex = text.strip_prefix("req_").unwrap_or_default();
    hex.len() == 24 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
