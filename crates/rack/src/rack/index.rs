//! Finds the entries of a key by the key's id, for writers.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use keyrack_key::KeyId;

use super::Rack;
use crate::entry_location::EntryLocation;
use crate::meters::MeterRegistry;
use crate::{Position, Revision};

/// State that only writers use. Its lock orders them.
#[derive(Default)]
pub(super) struct Index {
    pub(super) position: Position,
    /// The slots of all secrets, by the id of their key.
    pub(super) locations: HashTable<EntryLocation>,
    pub(super) keys: usize,
    pub(super) registry: MeterRegistry,
}

impl Rack {
    pub(super) fn enter(
        &self,
        locations: &mut HashTable<EntryLocation>,
        key: KeyId,
        location: EntryLocation,
    ) {
        let rehash =
            |location: &EntryLocation| self.key_at(*location).map_or(0, |key| self.hasher.hash_one(key));
        locations.insert_unique(self.hasher.hash_one(key), location, rehash);
    }

    /// Removes the slots of a key from the index and returns them.
    pub(super) fn take_locations(
        &self,
        locations: &mut HashTable<EntryLocation>,
        key: KeyId,
    ) -> Vec<EntryLocation> {
        let hash = self.hasher.hash_one(key);
        let mut taken = Vec::new();
        while let Ok(found) = locations.find_entry(hash, |location| self.key_at(*location) == Some(key)) {
            taken.push(found.remove().0);
        }
        taken
    }

    pub(super) fn revision(&self, index: &Index, key: KeyId) -> Option<Revision> {
        let hash = self.hasher.hash_one(key);
        let location = index.locations.find(hash, |location| self.key_at(*location) == Some(key))?;
        self.shards[usize::from(location.shard)].read().get(location.slot()).map(|entry| entry.cold.revision)
    }

    pub(super) fn key_at(&self, location: EntryLocation) -> Option<KeyId> {
        self.shards[usize::from(location.shard)].read().get(location.slot()).map(|entry| entry.cold.key)
    }

    pub(super) fn remove(&self, location: EntryLocation) {
        self.shards[usize::from(location.shard)].write().remove(location.slot(), |digest| self.hash(digest));
    }
}
