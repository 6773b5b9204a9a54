//! The rack: finds a key by its digest, in shards with short locks.

mod placement;

use std::convert::Infallible;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use keyrack_key::{
    AccessRequest, Class, Denial, Digest, Exposure, KeyId, Permission, Presented, Timestamp, WorkspaceId,
};
use tokio::sync::Notify;

use self::placement::{CHUNK, Placement};
use crate::entry::{Entry, HotFields};
use crate::freshness::FreshnessCell;
use crate::meters::MeterRegistry;
use crate::outcome;
use crate::shard::{EntryLocation, SHARDS, Shard};
use crate::sync::{Mutex, SharedLock};
use crate::tally::{Owner, Tallies};
use crate::{
    Caller, DeniedCheck, Frame, Freshness, LastUse, Position, Revision, SecretUsage, Snapshot, SnapshotReader,
};

/// How long a deleted key or a retired secret remains known, so that the answer can name
/// the reason of the denial.
pub const TOMBSTONE_LIFE: Duration = Duration::from_hours(30 * 24);

/// The frame does not start at the position of the rack, which must load a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed does not continue at the rack's position")]
pub struct Gap;

/// State that only writers use. Its lock orders them.
#[derive(Default)]
struct Index {
    position: Position,
    /// The slots of all secrets, by the id of their key.
    locations: HashTable<EntryLocation>,
    keys: usize,
    registry: MeterRegistry,
}

/// All live keys of a deployment, found by the digest of a secret.
pub struct Rack {
    shards: Box<[SharedLock<Shard>]>,
    /// Seeded, so that no client can choose the shard and the bucket of a digest.
    hasher: RandomState,
    index: Mutex<Index>,
    freshness: FreshnessCell,
    tallies: Tallies,
}

impl Default for Rack {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| SharedLock::default()).collect(),
            hasher: RandomState::default(),
            index: Mutex::default(),
            freshness: FreshnessCell::default(),
            tallies: Tallies::default(),
        }
    }
}

impl Rack {
    /// Creates an empty rack. It denies every request until it is filled and fresh.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides about one request with the secret `presented`, and counts the outcome. The order of the checks
    /// is that of [`keyrack_key::KeyState::decide`], followed by the rate limits of the key.
    ///
    /// Takes no lock that a writer holds for long, and allocates nothing.
    pub fn check(
        &self,
        presented: &Presented<'_>,
        question: &AccessRequest<'_>,
    ) -> Result<Caller, DeniedCheck> {
        self.check_in(None, presented, question)
    }

    /// Like [`check`](Self::check), for a key that must belong to `workspace`, if given. Keys of other
    /// workspaces are treated as unknown, and the check is not counted.
    pub fn check_in(
        &self,
        workspace: Option<WorkspaceId>,
        presented: &Presented<'_>,
        question: &AccessRequest<'_>,
    ) -> Result<Caller, DeniedCheck> {
        if !self.is_fresh() {
            return Err(Denial::Stale.into());
        }
        let digest = presented.digest();
        let hash = self.hash(&digest);
        let number = shard_of(hash);
        let shard = self.shards[usize::from(number)].read();
        let (slot, Entry { hot, cold }) = shard.find(hash, &digest).ok_or(Denial::Unknown)?;
        if workspace.is_some_and(|workspace| workspace != cold.workspace) {
            return Err(Denial::Unknown.into());
        }
        let answer = hot.decide(cold, question);
        // Checked again: the thread may have been stopped since the first check, while the lease ended and
        // a deletion was confirmed.
        if !self.is_fresh() {
            return Err(Denial::Stale.into());
        }
        let location = EntryLocation::new(number, slot);
        let owner = Owner { key: cold.key, secret: digest, hint: presented.hint(), location };
        if let Some(outcome) = outcome::number(question.permission, answer.map(|_| ())) {
            self.tallies.count(&hot.tally, &owner, outcome);
        }
        let key = hot.key(cold);
        match answer {
            Ok(rate_statuses) => Ok(Caller { key, owner, rate_statuses }),
            Err(denial) => Err(DeniedCheck { denial, key: Some(key) }),
        }
    }

    /// Records that `caller` was allowed. Does nothing if the secret was removed meanwhile.
    pub fn record_use(&self, caller: &Caller, used: LastUse) {
        self.with_hot_fields(&caller.owner, |hot| self.tallies.note(&hot.tally, &caller.owner, used));
    }

    /// Counts an allowed request of `caller` with `permission` as denied, because its work was not started.
    /// The request counts as both if a drain came in between.
    pub fn record_denial(&self, caller: &Caller, permission: Permission, denial: Denial) {
        let of = |answer| outcome::number(Some(permission), answer);
        if let (Some(from), Some(to)) = (of(Ok(())), of(Err(denial))) {
            let owner = &caller.owner;
            self.with_hot_fields(owner, |hot| self.tallies.recount(&hot.tally, owner, from, to));
        }
    }

    /// Records that others can read the secret `presented`. Ignores publishable keys. Allocates nothing, and
    /// always finds room: each secret has a field for it.
    pub fn record_exposure(
        &self,
        presented: &Presented<'_>,
        exposure: Exposure,
        origin: &[u8],
        now: Timestamp,
    ) {
        if exposure == Exposure::None {
            return;
        }
        let secret = presented.digest();
        let hash = self.hash(&secret);
        let number = shard_of(hash);
        let shard = self.shards[usize::from(number)].read();
        let found = shard.find(hash, &secret).filter(|(_, entry)| entry.hot.class() == Class::Secret);
        if let Some((slot, Entry { hot, cold })) = found {
            let location = EntryLocation::new(number, slot);
            let owner = Owner { key: cold.key, secret, hint: presented.hint(), location };
            self.tallies.expose(&hot.tally, &owner, exposure, origin, now);
        }
    }

    /// Takes the usage since the last drain. Takes time in proportion to the number of used secrets and may
    /// wait for locks, so call it on a thread that answers no requests.
    pub fn drain_usage(&self) -> Vec<SecretUsage> {
        let settle = || self.shards.iter().for_each(|shard| drop(shard.write()));
        self.tallies.drain(settle, |location, tally| {
            let shard = self.shards[usize::from(location.shard)].read();
            if let Some(entry) = shard.get(location.slot()) {
                entry.hot.forget_tally(tally);
            }
        })
    }

    /// Returns a signal that is notified when the usage should be drained soon,
    /// because many secrets are in use.
    pub fn drain_requested(&self) -> Arc<Notify> {
        self.tallies.drain_requested()
    }

    /// Returns the number of checks that were not counted, because too many different secrets were in use.
    pub fn dropped_checks(&self) -> u64 {
        self.tallies.dropped()
    }

    /// Returns `true` if the rack is filled and known to be equal to the store.
    pub fn is_fresh(&self) -> bool {
        self.freshness.is_fresh()
    }

    /// Sets how long the rack may answer. A stale rack denies every request.
    pub fn set_freshness(&self, freshness: Freshness) {
        self.freshness.set(freshness);
    }

    /// Makes the rack stale, unless its freshness has a deadline.
    pub(crate) fn end_freshness(&self) {
        self.freshness.end_without_deadline();
    }

    /// Returns the position of the rack in the history of changes.
    pub fn position(&self) -> Position {
        self.index.lock().position
    }

    /// Returns the number of keys, including tombstones.
    pub fn len(&self) -> usize {
        self.index.lock().keys
    }

    /// Returns `true` if the rack has no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces all keys by `snapshot`. A key that is in both is available throughout: an old entry is
    /// removed only after the new one is in place.
    pub fn load(&self, snapshot: Snapshot) {
        let Ok(()) = self.read(SnapshotReader::<Infallible>::from(snapshot));
    }

    /// Like [`load`](Self::load), while the snapshot is still being read. Blocks until it is complete. If
    /// reading fails, the keys read so far are in the rack and none was removed. The rack then has a position
    /// that no feed knows, and must be loaded again.
    pub fn read<E>(&self, reading: SnapshotReader<E>) -> Result<(), E> {
        let mut index = self.index.lock();
        let Index { locations: mut old, registry, .. } = std::mem::take(&mut *index);
        (index.locations, index.registry) = (HashTable::with_capacity(reading.keys), registry);
        let mut placement = Placement::default();
        let read = reading.batches.into_iter().try_for_each(|batch| {
            for records in batch?.chunks(CHUNK) {
                for record in records {
                    let earlier = self.take_locations(&mut old, record.key);
                    self.prepare(&mut placement, &mut index.registry, record, &earlier);
                }
                self.store(&mut index, &mut placement);
            }
            Ok(())
        });
        match read {
            Ok(()) => {
                index.position = reading.position;
                old.into_iter().for_each(|location| self.remove(location));
            }
            Err(_) => self.keep(&mut index, old),
        }
        read
    }

    /// Returns the keys that an incomplete snapshot did not contain to the index.
    fn keep(&self, index: &mut Index, old: HashTable<EntryLocation>) {
        for location in old {
            let Some(key) = self.key_at(location) else { continue };
            index.keys += usize::from(self.revision(index, key).is_none());
            self.enter(&mut index.locations, key, location);
        }
    }

    /// Applies the changes of a frame. Skips records that are not newer than the rack's own. Fails if the
    /// frame does not start at the rack's position.
    pub fn apply(&self, frame: Frame) -> Result<(), Gap> {
        let mut index = self.index.lock();
        if index.position != frame.from {
            return Err(Gap);
        }
        let mut placement = Placement::default();
        for record in frame.changes {
            if self.revision(&index, record.key).is_none_or(|held| held < record.revision) {
                let earlier = self.take_locations(&mut index.locations, record.key);
                index.keys -= usize::from(!earlier.is_empty());
                self.prepare(&mut placement, &mut index.registry, &record, &earlier);
                self.store(&mut index, &mut placement);
            }
        }
        index.position = frame.to;
        Ok(())
    }

    /// Sets the latest known time, which the meters use when a rate limit changes.
    pub(crate) fn see(&self, now: Timestamp) {
        self.index.lock().registry.see(now);
    }

    /// Removes keys that were deleted, and secrets that retired, before `then`.
    pub fn forget_before(&self, then: Timestamp) {
        let mut index = self.index.lock();
        index.registry.sweep();
        let mut forgotten = Vec::new();
        for (number, shard) in (0..SHARDS).zip(&self.shards) {
            let shard = shard.read();
            let over = shard.slots().filter(|(_, entry)| !entry.hot.is_remembered(then));
            forgotten.extend(over.map(|(slot, _)| EntryLocation::new(number, slot)));
        }
        for location in forgotten {
            let Some(key) = self.key_at(location) else { continue };
            let mut locations = self.take_locations(&mut index.locations, key);
            locations.retain(|one| *one != location);
            index.keys -= usize::from(locations.is_empty());
            for stays in locations {
                self.enter(&mut index.locations, key, stays);
            }
            self.remove(location);
        }
    }

    fn enter(&self, locations: &mut HashTable<EntryLocation>, key: KeyId, location: EntryLocation) {
        let rehash =
            |location: &EntryLocation| self.key_at(*location).map_or(0, |key| self.hasher.hash_one(key));
        locations.insert_unique(self.hasher.hash_one(key), location, rehash);
    }

    /// Removes the slots of a key from the index and returns them.
    fn take_locations(&self, locations: &mut HashTable<EntryLocation>, key: KeyId) -> Vec<EntryLocation> {
        let hash = self.hasher.hash_one(key);
        let mut taken = Vec::new();
        while let Ok(found) = locations.find_entry(hash, |location| self.key_at(*location) == Some(key)) {
            taken.push(found.remove().0);
        }
        taken
    }

    fn revision(&self, index: &Index, key: KeyId) -> Option<Revision> {
        let hash = self.hasher.hash_one(key);
        let location = index.locations.find(hash, |location| self.key_at(*location) == Some(key))?;
        self.shards[usize::from(location.shard)].read().get(location.slot()).map(|entry| entry.cold.revision)
    }

    fn key_at(&self, location: EntryLocation) -> Option<KeyId> {
        self.shards[usize::from(location.shard)].read().get(location.slot()).map(|entry| entry.cold.key)
    }

    /// Calls `work` with the hot fields of a secret, if the secret is still in its slot.
    fn with_hot_fields(&self, owner: &Owner, work: impl FnOnce(&HotFields)) {
        let shard = self.shards[usize::from(owner.location.shard)].read();
        let entry = shard.get(owner.location.slot()).filter(|entry| entry.hot.digest == owner.secret);
        if let Some(entry) = entry {
            work(&entry.hot);
        }
    }

    fn remove(&self, location: EntryLocation) {
        self.shards[usize::from(location.shard)].write().remove(location.slot(), |digest| self.hash(digest));
    }

    /// Hashes the first eight bytes of the digest, which are as random as the whole. A client that sends
    /// digests with equal first bytes makes the rack compare one more entry for each such digest that it
    /// holds, but the rack holds only digests of secrets that the server generated.
    fn hash(&self, digest: &Digest) -> u64 {
        self.hasher.hash_one(u64::from_le_bytes(digest.as_bytes().as_chunks().0[0]))
    }
}

/// Uses the middle bits: the table within the shard uses the lowest and the highest.
const fn shard_of(hash: u64) -> u8 {
    hash.to_le_bytes()[4] % SHARDS
}

impl std::fmt::Debug for Rack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rack")
            .field("keys", &self.len())
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
