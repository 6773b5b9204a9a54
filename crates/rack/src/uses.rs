//! When each key was last used, remembered until somebody writes it down.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;
use keyrack_key::{KeyId, Permission, Timestamp};
use parking_lot::Mutex;

/// The longest agent that is kept, in bytes; more is cut off.
const AGENT: usize = 96;

/// One use of a key: the last.
#[derive(Clone, Copy, Debug)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where, if known.
    pub address: Option<IpAddr>,
    /// What it was used for.
    pub permission: Option<Permission>,
    agent: [u8; AGENT],
    agent_length: u8,
}

impl LastUse {
    /// A use at `at`. Of `agent` (the `User-Agent` header) the first 96 bytes of printable ASCII are kept.
    pub fn new(at: Timestamp, address: Option<IpAddr>, permission: Option<Permission>, agent: &[u8]) -> Self {
        let mut kept = [0; AGENT];
        let mut length = 0;
        for (place, byte) in kept.iter_mut().zip(agent.iter().filter(|b| matches!(b, b' '..=b'~'))) {
            *place = *byte;
            length += 1;
        }
        Self { at, address, permission, agent: kept, agent_length: length }
    }

    /// The program that used it, as it called itself.
    pub fn agent(&self) -> &str {
        std::str::from_utf8(&self.agent[..usize::from(self.agent_length)]).unwrap_or_default()
    }
}

/// Where a key's last use is kept between two flushes. It outlives the changes of its key.
#[derive(Debug)]
pub(crate) struct UseSlot {
    key: KeyId,
    queued: AtomicBool,
    last: Mutex<Option<LastUse>>,
}

impl UseSlot {
    pub(crate) fn new(key: KeyId) -> Self {
        Self { key, queued: AtomicBool::new(false), last: Mutex::new(None) }
    }
}

/// Keys that were used since somebody last looked. Bounded, and never in the way of a request:
/// a slot that another request is writing is left to it, and a full queue is tried again at the next use.
#[derive(Debug)]
pub struct Uses {
    queue: ArrayQueue<Arc<UseSlot>>,
    dropped: AtomicU64,
}

impl Uses {
    /// Remembers up to `keys` different keys between two calls of [`drain`](Self::drain).
    pub fn with_capacity(keys: usize) -> Self {
        Self { queue: ArrayQueue::new(keys), dropped: AtomicU64::new(0) }
    }

    pub(crate) fn note(&self, slot: &Arc<UseSlot>, used: LastUse) {
        let Some(mut last) = slot.last.try_lock() else {
            return;
        };
        *last = Some(used);
        drop(last);
        if !slot.queued.swap(true, Ordering::AcqRel) && self.queue.push(Arc::clone(slot)).is_err() {
            slot.queued.store(false, Ordering::Release);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes what was noted since the last call: each key at most once, with its last use.
    pub fn drain(&self) -> Vec<(KeyId, LastUse)> {
        let mut uses = Vec::with_capacity(self.queue.len());
        for _ in 0..self.queue.len() {
            let Some(slot) = self.queue.pop() else { break };
            slot.queued.store(false, Ordering::Release);
            if let Some(last) = slot.last.lock().take() {
                uses.push((slot.key, last));
            }
        }
        uses
    }

    /// How many uses were not remembered because too many different keys were used between two drains.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
