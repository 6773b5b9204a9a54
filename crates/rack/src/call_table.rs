//! A table of calls in which each workspace and each key has a share of the room.
//!
//! The shares are dynamic thresholds (Choudhury and Hahne 1998, "Dynamic queue length thresholds for
//! shared-memory packet switches"). A workspace may use as many places as are still free, and a key half as
//! many. A single workspace therefore gets half of the room, and however much others send, places remain free
//! for a workspace that has none yet.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::CallGroup;
use keyrack_key::{KeyId, WorkspaceId};

/// Groups of calls, at most one for each caller and outcome.
#[derive(Debug)]
pub(crate) struct CallTable {
    calls: HashTable<CallGroup>,
    per_workspace: ShareCounts<WorkspaceId>,
    per_key: ShareCounts<KeyId>,
    room: usize,
}

/// The number of places that each workspace or key uses.
#[derive(Debug)]
struct ShareCounts<T>(HashTable<(T, usize)>);

impl CallTable {
    /// Creates a table with all its memory, so that requests never allocate.
    pub(crate) fn for_requests(room: usize) -> Self {
        Self::of(room, room)
    }

    /// Creates a table that grows with its content.
    pub(crate) fn growing(room: usize) -> Self {
        Self::of(room, 0)
    }

    fn of(room: usize, capacity: usize) -> Self {
        Self {
            calls: HashTable::with_capacity(capacity),
            per_workspace: ShareCounts(HashTable::with_capacity(capacity)),
            per_key: ShareCounts(HashTable::with_capacity(capacity)),
            room,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CallGroup> {
        self.calls.iter()
    }

    /// Adds calls to the group of the same caller, or gives them a place. Returns `false` if the share of the
    /// workspace or of the key is used up. `hash` is the hash of [`CallGroup::identity`].
    pub(crate) fn put(&mut self, hash: u64, calls: &CallGroup, hasher: &RandomState) -> bool {
        if let Some(there) = self.calls.find_mut(hash, |other| other.is_like(calls)) {
            there.add(calls);
            return true;
        }
        let free = self.room - self.calls.len();
        let is_within = self.per_workspace.count(&calls.workspace, hasher) < free
            && self.per_key.count(&calls.key, hasher) < free.div_ceil(2);
        if is_within {
            self.calls.insert_unique(hash, *calls, |other| hasher.hash_one(other.identity()));
            self.per_workspace.add(calls.workspace, hasher);
            self.per_key.add(calls.key, hasher);
        }
        is_within
    }

    /// Takes all groups.
    pub(crate) fn drain(&mut self) -> Vec<CallGroup> {
        self.per_workspace.0.clear();
        self.per_key.0.clear();
        self.calls.drain().collect()
    }
}

impl<T: Hash + Eq + Copy> ShareCounts<T> {
    fn count(&self, owner: &T, hasher: &RandomState) -> usize {
        self.0.find(hasher.hash_one(owner), |(one, _)| one == owner).map_or(0, |(_, count)| *count)
    }

    fn add(&mut self, owner: T, hasher: &RandomState) {
        let rehash = |(one, _): &(T, usize)| hasher.hash_one(one);
        let entry =
            self.0.entry(hasher.hash_one(owner), |(one, _)| *one == owner, rehash).or_insert((owner, 0));
        entry.into_mut().1 += 1;
    }
}
