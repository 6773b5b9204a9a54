//! The table: digest to key, in shards behind short locks.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use keyrack_key::{Denial, Digest, KeyId, Presented, Question, SecretState, Timestamp};
use parking_lot::{Mutex, RwLock};

use crate::uses::UseSlot;
use crate::{Frame, LastUse, Position, Record, Snapshot, Uses};

/// How long a deleted key or an ended secret stays known, so that an answer can say what happened to it.
pub const TOMBSTONE_LIFE: Duration = Duration::from_hours(30 * 24);

/// Writers hold one of these at a time, so a request waits for a writer in one of 64 cases, for a microsecond.
const SHARDS: usize = 64;

/// Different keys whose last use is remembered between two flushes.
const USES: usize = 1 << 16;

/// A key as the rack holds it. Shared by all its secrets, replaced as a whole when it changes.
#[derive(Debug)]
pub struct Key {
    record: Record,
    uses: Arc<UseSlot>,
}

impl std::ops::Deref for Key {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

/// A key that was let through, and what it is.
#[derive(Clone, Debug)]
pub struct Caller {
    key: Arc<Key>,
}

impl Caller {
    /// The key that called.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Refuses it after all, for a reason that the rack does not look at.
    pub fn refuse(self, denial: Denial) -> Refusal {
        Refusal { denial, key: Some(self.key) }
    }
}

/// Why a request was refused, and the key if its secret was right.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The one reason.
    pub denial: Denial,
    /// The key, where the caller proved that it holds a secret of it.
    pub key: Option<Arc<Key>>,
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self { denial, key: None }
    }
}

/// A frame that does not begin where the rack stands: it must be loaded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed does not continue at the rack's position")]
pub struct Gap;

struct Entry {
    digest: Digest,
    secret: SecretState,
    key: Arc<Key>,
}

type Shard = RwLock<HashTable<Entry>>;

/// What only writers touch. Its lock orders them.
#[derive(Default)]
struct Index {
    position: Position,
    keys: HashMap<KeyId, Arc<Key>>,
}

/// Every live key of a deployment, found by the digest of a secret.
pub struct Rack {
    shards: Box<[Shard]>,
    /// Seeded: which shard and bucket a digest falls into cannot be steered from outside.
    hasher: RandomState,
    index: Mutex<Index>,
    trusted: AtomicBool,
    uses: Uses,
}

impl Default for Rack {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: RandomState::default(),
            index: Mutex::default(),
            trusted: AtomicBool::new(false),
            uses: Uses::with_capacity(USES),
        }
    }
}

impl Rack {
    /// An empty rack, which refuses everything until a snapshot is loaded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides about one request with `presented`, in the order that [`keyrack_key::Terms::decide`] states.
    pub fn check(&self, presented: &Presented<'_>, question: &Question<'_>) -> Result<Caller, Refusal> {
        if !self.is_trusted() {
            return Err(Denial::Stale.into());
        }
        let digest = presented.digest();
        let hash = self.hash(&digest);
        let shard = self.shard(hash).read();
        let entry = shard.find(hash, |entry| entry.digest == digest).ok_or(Denial::Unknown)?;
        let key = Arc::clone(&entry.key);
        match key.terms.decide(entry.secret, question) {
            Ok(()) => Ok(Caller { key }),
            Err(denial) => Err(Refusal { denial, key: Some(key) }),
        }
    }

    /// Remembers that `caller` was let through.
    pub fn note_use(&self, caller: &Caller, used: LastUse) {
        self.uses.note(&caller.key.uses, used);
    }

    /// What was used and is not written down yet.
    pub const fn uses(&self) -> &Uses {
        &self.uses
    }

    /// Whether the rack is full and known to be as new as the store.
    pub fn is_trusted(&self) -> bool {
        self.trusted.load(Ordering::Acquire)
    }

    /// Stops or resumes answering. A rack that is not trusted refuses every request.
    pub fn trust(&self, trusted: bool) {
        self.trusted.store(trusted, Ordering::Release);
    }

    /// Where in the history of changes the rack stands.
    pub fn position(&self) -> Position {
        self.index.lock().position
    }

    /// How many keys it holds, tombstones included.
    pub fn len(&self) -> usize {
        self.index.lock().keys.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces everything by `snapshot`, and trusts the rack from then on. A key that is in both stays answered for
    /// throughout: what is there goes only when its successor is in its place.
    pub fn load(&self, snapshot: Snapshot) {
        let mut index = self.index.lock();
        let mut old = std::mem::take(&mut index.keys);
        for record in snapshot.records {
            let held = old.remove(&record.key);
            self.place(&mut index, record, held);
        }
        for key in old.values() {
            self.remove(key, &[]);
        }
        index.position = snapshot.position;
        self.trust(true);
    }

    /// Applies what changed. A change that is already there is passed over.
    pub fn apply(&self, frame: Frame) -> Result<(), Gap> {
        let mut index = self.index.lock();
        if index.position != frame.from {
            return Err(Gap);
        }
        for record in frame.changes {
            let held = index.keys.get(&record.key);
            if held.is_none_or(|held| held.revision < record.revision) {
                let held = held.map(Arc::clone);
                self.place(&mut index, record, held);
            }
        }
        index.position = frame.to;
        Ok(())
    }

    /// Forgets keys that were deleted, and secrets that ended, before `then`.
    pub fn forget_before(&self, then: Timestamp) {
        let mut index = self.index.lock();
        index.keys.retain(|_, key| key.terms.deleted_at.is_none_or(|at| at >= then));
        for shard in &self.shards {
            shard.write().retain(|entry| {
                let ended = matches!(entry.secret, SecretState::Retiring(until) if until < then);
                !ended && index.keys.contains_key(&entry.key.key)
            });
        }
    }

    /// Puts a key where `held`, an earlier state of it, may be.
    fn place(&self, index: &mut Index, record: Record, held: Option<Arc<Key>>) {
        let uses =
            held.as_ref().map_or_else(|| Arc::new(UseSlot::new(record.key)), |held| Arc::clone(&held.uses));
        let key = Arc::new(Key { record, uses });
        for (digest, secret) in &key.secrets {
            let hash = self.hash(digest);
            let entry = Entry { digest: *digest, secret: *secret, key: Arc::clone(&key) };
            let mut shard = self.shard(hash).write();
            match shard.find_mut(hash, |held| held.digest == *digest) {
                Some(held) => *held = entry,
                None => drop(shard.insert_unique(hash, entry, |entry| self.hash(&entry.digest))),
            }
        }
        if let Some(held) = held {
            self.remove(&held, &key.secrets);
        }
        index.keys.insert(key.key, key);
    }

    /// Takes out the secrets of `key` that are not among those that stay.
    fn remove(&self, key: &Key, stay: &[(Digest, SecretState)]) {
        let gone = key.secrets.iter().filter(|(digest, _)| stay.iter().all(|(stays, _)| stays != digest));
        for (digest, _) in gone {
            let hash = self.hash(digest);
            if let Ok(entry) = self.shard(hash).write().find_entry(hash, |entry| entry.digest == *digest) {
                entry.remove();
            }
        }
    }

    fn hash(&self, digest: &Digest) -> u64 {
        self.hasher.hash_one(digest)
    }

    /// By the middle bits: the table inside uses the lowest and the highest.
    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }
}

impl std::fmt::Debug for Rack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rack")
            .field("keys", &self.len())
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
