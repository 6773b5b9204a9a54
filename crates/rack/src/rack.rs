//! The rack: digest to key, in shards behind short locks.

mod placing;

use std::convert::Infallible;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use keyrack_key::{
    Class, Denial, Digest, Exposure, KeyId, Permission, Presented, Question, Timestamp, WorkspaceId,
};
use tokio::sync::Notify;

use self::placing::{Placing, TOGETHER};
use crate::line::{Entry, Line};
use crate::meters::Metering;
use crate::outcome;
use crate::shard::{Place, SHARDS, Shard};
use crate::sync::{Mutex, SharedLock};
use crate::tally::{Owner, Tallies};
use crate::trust::Trusted;
use crate::{Caller, Frame, LastUse, Position, Reading, Refusal, Revision, Snapshot, Trust, Used};

/// How long a deleted key or an ended secret stays known, so that an answer can say what happened to it.
pub const TOMBSTONE_LIFE: Duration = Duration::from_hours(30 * 24);

/// A frame that does not begin where the rack stands: it must be loaded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed does not continue at the rack's position")]
pub struct Gap;

/// What only writers touch. Its lock orders them.
#[derive(Default)]
struct Index {
    position: Position,
    /// By the id of its key: where each secret is.
    places: HashTable<Place>,
    keys: usize,
    metering: Metering,
}

/// Every live key of a deployment, found by the digest of a secret.
pub struct Rack {
    shards: Box<[SharedLock<Shard>]>,
    /// Seeded: which shard and bucket a digest falls into cannot be steered from outside.
    hasher: RandomState,
    index: Mutex<Index>,
    trusted: Trusted,
    tallies: Tallies,
}

impl Default for Rack {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| SharedLock::default()).collect(),
            hasher: RandomState::default(),
            index: Mutex::default(),
            trusted: Trusted::default(),
            tallies: Tallies::default(),
        }
    }
}

impl Rack {
    /// An empty rack, which refuses everything until it is filled and trusted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides about one request with `presented`, in the order that [`keyrack_key::Terms::decide`] states and by the key's
    /// rates after that, and counts how that ended.
    pub fn check(&self, presented: &Presented<'_>, question: &Question<'_>) -> Result<Caller, Refusal> {
        self.check_in(None, presented, question)
    }

    /// The same about a key that has to belong to `workspace`. Of a key of another one nothing is said or counted: it is
    /// unknown here.
    pub fn check_in(
        &self,
        workspace: Option<WorkspaceId>,
        presented: &Presented<'_>,
        question: &Question<'_>,
    ) -> Result<Caller, Refusal> {
        if !self.is_trusted() {
            return Err(Denial::Stale.into());
        }
        let digest = presented.digest();
        let hash = self.hash(&digest);
        let number = shard_of(hash);
        let shard = self.shards[usize::from(number)].read();
        let (slot, Entry { line, card }) = shard.find(hash, &digest).ok_or(Denial::Unknown)?;
        if workspace.is_some_and(|workspace| workspace != card.workspace) {
            return Err(Denial::Unknown.into());
        }
        let answer = line.decide(card, question);
        // Once more: whoever was stopped in between may have read what was true when others still waited for it.
        if !self.is_trusted() {
            return Err(Denial::Stale.into());
        }
        let place = Place::new(number, slot);
        let owner = Owner { key: card.key, secret: digest, hint: presented.hint(), place };
        if let Some(outcome) = outcome::number(question.permission, answer.map(|_| ())) {
            self.tallies.count(&line.tally, &owner, outcome);
        }
        let key = line.key(card);
        match answer {
            Ok(allowances) => Ok(Caller { key, owner, allowances }),
            Err(denial) => Err(Refusal { denial, key: Some(key) }),
        }
    }

    /// Remembers that `caller` was let through. Of a secret that is gone by now, nothing is remembered.
    pub fn note_use(&self, caller: &Caller, used: LastUse) {
        self.with_line(&caller.owner, |line| self.tallies.note(&line.tally, &caller.owner, used));
    }

    /// Counts that `caller`, who was let through for `permission`, was refused after all: what it wanted done was not taken on.
    /// What was let through is counted as refused then, unless it was drained in between: it stands as both.
    pub fn note_refused(&self, caller: &Caller, permission: Permission, denial: Denial) {
        let of = |answer| outcome::number(Some(permission), answer);
        if let (Some(from), Some(to)) = (of(Ok(())), of(Err(denial))) {
            let owner = &caller.owner;
            self.with_line(owner, |line| self.tallies.recount(&line.tally, owner, from, to));
        }
    }

    /// Remembers that the secret `presented`, if it is one of a secret key, came where others can read it. Allocates nothing,
    /// and is not lost for want of room: each secret has a place for it.
    pub fn note_exposure(
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
        let found = shard.find(hash, &secret).filter(|(_, entry)| entry.line.class() == Class::Secret);
        if let Some((slot, Entry { line, card })) = found {
            let place = Place::new(number, slot);
            let owner = Owner { key: card.key, secret, hint: presented.hint(), place };
            self.tallies.expose(&line.tally, &owner, exposure, origin, now);
        }
    }

    /// What was used since the last drain. It takes as long as that is much, and blocks: it is not for a thread that answers
    /// requests.
    pub fn drain_uses(&self) -> Vec<Used> {
        let settle = || self.shards.iter().for_each(|shard| drop(shard.write()));
        self.tallies.drain(settle, |place, tally| {
            let shard = self.shards[usize::from(place.shard)].read();
            if let Some(entry) = shard.get(place.slot()) {
                entry.line.forget_tally(tally);
            }
        })
    }

    /// Is notified when uses should be drained before long, because many secrets are in use.
    pub fn crowded(&self) -> Arc<Notify> {
        self.tallies.crowded()
    }

    /// How many checks were not counted because too many different secrets were in use.
    pub fn uses_dropped(&self) -> u64 {
        self.tallies.dropped()
    }

    /// Whether the rack is full and known to be as new as the store.
    pub fn is_trusted(&self) -> bool {
        self.trusted.holds()
    }

    /// Stops or resumes answering. A rack that is not trusted refuses every request.
    pub fn trust(&self, trust: Trust) {
        self.trusted.set(trust);
    }

    /// Ends a trust that has no end of its own.
    pub(crate) fn doubt(&self) {
        self.trusted.end_always();
    }

    /// Where in the history of changes the rack stands.
    pub fn position(&self) -> Position {
        self.index.lock().position
    }

    /// How many keys it holds, tombstones included.
    pub fn len(&self) -> usize {
        self.index.lock().keys
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces everything by `snapshot`. A key that is in both stays answered for
    /// throughout: what is there goes only when its successor is in its place.
    pub fn load(&self, snapshot: Snapshot) {
        let Ok(()) = self.read(Reading::<Infallible>::from(snapshot));
    }

    /// The same while the snapshot is still being read, for which it blocks. Where reading fails what had come is there and
    /// nothing has gone: such a rack has no position that a feed knows, and is to be loaded again.
    pub fn read<E>(&self, reading: Reading<E>) -> Result<(), E> {
        let mut index = self.index.lock();
        let Index { places: mut old, metering, .. } = std::mem::take(&mut *index);
        (index.places, index.metering) = (HashTable::with_capacity(reading.keys), metering);
        let mut placing = Placing::default();
        let read = reading.batches.into_iter().try_for_each(|batch| {
            for records in batch?.chunks(TOGETHER) {
                for record in records {
                    let earlier = self.take_places(&mut old, record.key);
                    self.prepare(&mut placing, &mut index.metering, record, &earlier);
                }
                self.place(&mut index, &mut placing);
            }
            Ok(())
        });
        match read {
            Ok(()) => {
                index.position = reading.position;
                old.into_iter().for_each(|place| self.remove(place));
            }
            Err(_) => self.keep(&mut index, old),
        }
        read
    }

    /// Puts what a snapshot that broke off did not come to back into the index.
    fn keep(&self, index: &mut Index, old: HashTable<Place>) {
        for place in old {
            let Some(key) = self.key_at(place) else { continue };
            index.keys += usize::from(self.revision(index, key).is_none());
            self.enter(&mut index.places, key, place);
        }
    }

    /// Applies what changed. A change that is already there is passed over.
    pub fn apply(&self, frame: Frame) -> Result<(), Gap> {
        let mut index = self.index.lock();
        if index.position != frame.from {
            return Err(Gap);
        }
        let mut placing = Placing::default();
        for record in frame.changes {
            if self.revision(&index, record.key).is_none_or(|held| held < record.revision) {
                let earlier = self.take_places(&mut index.places, record.key);
                index.keys -= usize::from(!earlier.is_empty());
                self.prepare(&mut placing, &mut index.metering, &record, &earlier);
                self.place(&mut index, &mut placing);
            }
        }
        index.position = frame.to;
        Ok(())
    }

    /// Notes the time. What meters have left when a rate changes is judged by the latest time that the rack knows of.
    pub(crate) fn see(&self, now: Timestamp) {
        self.index.lock().metering.see(now);
    }

    /// Forgets keys that were deleted, and secrets that ended, before `then`.
    pub fn forget_before(&self, then: Timestamp) {
        let mut index = self.index.lock();
        index.metering.sweep();
        let mut forgotten = Vec::new();
        for (number, shard) in (0..SHARDS).zip(&self.shards) {
            let shard = shard.read();
            let over = shard.slots().filter(|(_, entry)| !entry.line.is_remembered(then));
            forgotten.extend(over.map(|(slot, _)| Place::new(number, slot)));
        }
        for place in forgotten {
            let Some(key) = self.key_at(place) else { continue };
            let mut places = self.take_places(&mut index.places, key);
            places.retain(|one| *one != place);
            index.keys -= usize::from(places.is_empty());
            for stays in places {
                self.enter(&mut index.places, key, stays);
            }
            self.remove(place);
        }
    }

    fn enter(&self, places: &mut HashTable<Place>, key: KeyId, place: Place) {
        let rehash = |place: &Place| self.key_at(*place).map_or(0, |key| self.hasher.hash_one(key));
        places.insert_unique(self.hasher.hash_one(key), place, rehash);
    }

    /// Takes out of the index where the secrets of a key are.
    fn take_places(&self, places: &mut HashTable<Place>, key: KeyId) -> Vec<Place> {
        let hash = self.hasher.hash_one(key);
        let mut taken = Vec::new();
        while let Ok(found) = places.find_entry(hash, |place| self.key_at(*place) == Some(key)) {
            taken.push(found.remove().0);
        }
        taken
    }

    fn revision(&self, index: &Index, key: KeyId) -> Option<Revision> {
        let hash = self.hasher.hash_one(key);
        let place = index.places.find(hash, |place| self.key_at(*place) == Some(key))?;
        self.shards[usize::from(place.shard)].read().get(place.slot()).map(|entry| entry.card.revision)
    }

    fn key_at(&self, place: Place) -> Option<KeyId> {
        self.shards[usize::from(place.shard)].read().get(place.slot()).map(|entry| entry.card.key)
    }

    /// Works on the line of a secret, if it is still there.
    fn with_line(&self, owner: &Owner, work: impl FnOnce(&Line)) {
        let shard = self.shards[usize::from(owner.place.shard)].read();
        let entry = shard.get(owner.place.slot()).filter(|entry| entry.line.digest == owner.secret);
        if let Some(entry) = entry {
            work(&entry.line);
        }
    }

    fn remove(&self, place: Place) {
        self.shards[usize::from(place.shard)].write().remove(place.slot(), |digest| self.hash(digest));
    }

    /// Of its first bytes, which are as random as all of it. Who sends digests that begin alike makes the rack look at a line
    /// more for each that it holds, and it holds those alone that were drawn here.
    fn hash(&self, digest: &Digest) -> u64 {
        self.hasher.hash_one(u64::from_le_bytes(digest.as_bytes().as_chunks().0[0]))
    }
}

/// By the middle bits: the table inside uses the lowest and the highest.
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
