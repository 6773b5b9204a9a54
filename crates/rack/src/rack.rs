//! The rack: finds a key by its digest, in shards with short locks.

mod changes;
mod index;
mod placement;

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use keyrack_key::{
    AccessRequest, Class, Denial, Digest, Exposure, Permission, Presented, Timestamp, WorkspaceId,
};
use tokio::sync::Notify;

pub use self::changes::{Gap, TOMBSTONE_LIFE};
use self::index::Index;
use crate::book::Owner;
use crate::entry::{Entry, HotFields};
use crate::entry_location::EntryLocation;
use crate::freshness::FreshnessCell;
use crate::outcome;
use crate::shard::{SHARDS, Shard};
use crate::sync::{Mutex, SharedLock};
use crate::tally::Tallies;
use crate::{Caller, DeniedCheck, Freshness, LastUse, Position, SecretUsage};

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
        request: &AccessRequest<'_>,
    ) -> Result<Caller, DeniedCheck> {
        self.check_in(None, presented, request)
    }

    /// Like [`check`](Self::check), for a key that must belong to `workspace`, if given. Keys of other
    /// workspaces are treated as unknown, and the check is not counted.
    pub fn check_in(
        &self,
        workspace: Option<WorkspaceId>,
        presented: &Presented<'_>,
        request: &AccessRequest<'_>,
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
        let answer = hot.decide(cold, request);
        // Checked again: the thread may have been stopped since the first check, while the lease ended and
        // a deletion was confirmed.
        if !self.is_fresh() {
            return Err(Denial::Stale.into());
        }
        let location = EntryLocation::new(number, slot);
        let owner = Owner { key: cold.key, secret: digest, hint: presented.hint(), location };
        if let Some(outcome) = outcome::number(request.permission, answer.map(|_| ())) {
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

    /// Calls `work` with the hot fields of a secret, if the secret is still in its slot.
    fn with_hot_fields(&self, owner: &Owner, work: impl FnOnce(&HotFields)) {
        let shard = self.shards[usize::from(owner.location.shard)].read();
        let entry = shard.get(owner.location.slot()).filter(|entry| entry.hot.digest == owner.secret);
        if let Some(entry) = entry {
            work(&entry.hot);
        }
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
