//! Room for calls, of which each workspace and each key has a share.
//!
//! The shares are dynamic thresholds (Choudhury and Hahne 1998, "Dynamic queue length thresholds for shared-memory packet
//! switches"): a workspace may have as many places as are still free, and a key half as many. Alone, a workspace gets half of
//! the room. However much the others send, there are places free for a workspace that has none yet.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::Calls;
use keyrack_key::{KeyId, WorkspaceId};

/// Calls, each caller once.
#[derive(Debug)]
pub(crate) struct Shelf {
    calls: HashTable<Calls>,
    of_workspaces: Tenants<WorkspaceId>,
    of_keys: Tenants<KeyId>,
    room: usize,
}

/// How many places each has.
#[derive(Debug)]
struct Tenants<T>(HashTable<(T, usize)>);

impl Shelf {
    /// A shelf that allocates nothing afterwards.
    pub(crate) fn for_requests(room: usize) -> Self {
        Self::of(room, room)
    }

    /// A shelf that grows with what it holds.
    pub(crate) fn growing(room: usize) -> Self {
        Self::of(room, 0)
    }

    fn of(room: usize, capacity: usize) -> Self {
        Self {
            calls: HashTable::with_capacity(capacity),
            of_workspaces: Tenants(HashTable::with_capacity(capacity)),
            of_keys: Tenants(HashTable::with_capacity(capacity)),
            room,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Calls> {
        self.calls.iter()
    }

    /// Adds calls to those of the same caller, or gives them a place. False where its workspace or its key has its share.
    /// `hash` is that of who called.
    pub(crate) fn put(&mut self, hash: u64, calls: &Calls, hasher: &RandomState) -> bool {
        if let Some(there) = self.calls.find_mut(hash, |other| other.is_like(calls)) {
            there.add(calls);
            return true;
        }
        let free = self.room - self.calls.len();
        let is_within = self.of_workspaces.places(&calls.workspace, hasher) < free
            && self.of_keys.places(&calls.key, hasher) < free.div_ceil(2);
        if is_within {
            self.calls.insert_unique(hash, *calls, |other| hasher.hash_one(other.who()));
            self.of_workspaces.add(calls.workspace, hasher);
            self.of_keys.add(calls.key, hasher);
        }
        is_within
    }

    /// Takes all calls.
    pub(crate) fn drain(&mut self) -> Vec<Calls> {
        self.of_workspaces.0.clear();
        self.of_keys.0.clear();
        self.calls.drain().collect()
    }
}

impl<T: Hash + Eq + Copy> Tenants<T> {
    fn places(&self, who: &T, hasher: &RandomState) -> usize {
        self.0.find(hasher.hash_one(who), |(one, _)| one == who).map_or(0, |(_, places)| *places)
    }

    fn add(&mut self, who: T, hasher: &RandomState) {
        let rehash = |(one, _): &(T, usize)| hasher.hash_one(one);
        let place = self.0.entry(hasher.hash_one(who), |(one, _)| *one == who, rehash).or_insert((who, 0));
        place.into_mut().1 += 1;
    }
}
