//! One part of the rack, with a lock of its own.

use keyrack_key::Digest;

use crate::entry::Entry;
use crate::paged_vec::PagedVec;
use crate::table::{LAST_SLOT, Table};

/// The number of shards. A writer locks one shard at a time, and only to store some entries. A small number
/// keeps all locks in the processor's cache.
pub(crate) const SHARDS: u8 = if cfg!(feature = "shuttle") { 2 } else { 64 };

/// Entries in slots, and the table that finds a slot by digest.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    table: Table,
    entries: PagedVec<Option<Entry>>,
    free: Vec<u32>,
}

impl Shard {
    /// Returns the entry with this digest, and its slot.
    pub(crate) fn find(&self, hash: u64, digest: &Digest) -> Option<(u32, &Entry)> {
        let slot = self.slot(hash, digest)?;
        self.get(slot).map(|entry| (slot, entry))
    }

    /// Returns the entry in a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<&Entry> {
        self.entries[slot].as_ref()
    }

    /// Returns a larger table if the current one has no room for `more` entries. Building it takes a while,
    /// so readers keep using the shard; the only writer then [replaces](Self::replace) the table.
    pub(crate) fn grown(&self, more: usize, hash_of: impl Fn(&Digest) -> u64) -> Option<Table> {
        // In the order of the slots: reading memory sequentially is faster.
        let all = self.slots().map(|(slot, entry)| (hash_of(&entry.hot.digest), slot));
        self.table.is_full_with(more).then(|| self.table.grown(more, all))
    }

    /// Replaces the table by one with the same entries.
    pub(crate) fn replace(&mut self, table: Table) {
        self.table = table;
    }

    /// Stores an entry in the slot of its secret, or in a free slot, and returns the slot.
    /// The table must have room.
    pub(crate) fn put(&mut self, hash: u64, entry: Entry) -> u32 {
        if let Some(slot) = self.slot(hash, &entry.hot.digest) {
            if let Some(earlier) = &self.entries[slot] {
                entry.hot.counts_as(&earlier.hot);
            }
            self.entries[slot] = Some(entry);
            return slot;
        }
        let slot = self.free_slot();
        self.entries[slot] = Some(entry);
        self.table.put(hash, slot);
        slot
    }

    fn free_slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.entries.len()).ok().filter(|slot| *slot <= LAST_SLOT);
            self.entries.push(None);
            slot.expect("a billion keys take more memory than there is")
        })
    }

    /// Removes the entry of a slot.
    pub(crate) fn remove(&mut self, slot: u32, hash_of: impl Fn(&Digest) -> u64) {
        let hash = |slot: u32| self.entries[slot].as_ref().map_or(0, |entry| hash_of(&entry.hot.digest));
        self.table.remove(hash(slot), slot, hash);
        if self.entries[slot].take().is_some() {
            self.free.push(slot);
        }
    }

    /// Iterates over the slots in use and their entries.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(self.entries.iter()).filter_map(|(slot, entry)| entry.as_ref().map(|entry| (slot, entry)))
    }

    fn slot(&self, hash: u64, digest: &Digest) -> Option<u32> {
        let is_match = |slot| self.entries[slot].as_ref().is_some_and(|entry| entry.hot.digest == *digest);
        self.table.find(hash, is_match)
    }
}
