//! A part of the table, behind a lock of its own.

use keyrack_key::Digest;

use crate::line::Entry;
use crate::pages::Pages;
use crate::table::{LAST_SLOT, Table};

/// How many shards there are. Writers hold one of them at a time, and only to put some secrets in their places: so few that
/// the locks of all of them stay near the processor.
pub(crate) const SHARDS: u8 = if cfg!(feature = "shuttle") { 2 } else { 64 };

/// Where a secret's line is: which shard, and where in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) shard: u8,
    slot: [u8; 3],
}

impl Place {
    pub(crate) fn new(shard: u8, slot: u32) -> Self {
        let [a, b, c, _] = slot.to_le_bytes();
        Self { shard, slot: [a, b, c] }
    }

    pub(crate) const fn slot(self) -> u32 {
        let [a, b, c] = self.slot;
        u32::from_le_bytes([a, b, c, 0])
    }
}

/// Secrets with their keys, and the table that finds them.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    table: Table,
    entries: Pages<Option<Entry>>,
    free: Vec<u32>,
}

impl Shard {
    /// The secret with this digest, and its slot.
    pub(crate) fn find(&self, hash: u64, digest: &Digest) -> Option<(u32, &Entry)> {
        let slot = self.slot(hash, digest)?;
        self.get(slot).map(|entry| (slot, entry))
    }

    /// What stands in a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<&Entry> {
        self.entries[slot].as_ref()
    }

    /// The table with room for so many more, if there is none: made while others read, for it takes a while. The one writer
    /// then lets it [replace](Self::replace) this one.
    pub(crate) fn grown(&self, more: usize, hash_of: impl Fn(&Digest) -> u64) -> Option<Table> {
        // In the order of the slots: reading on is quicker than reading here and there.
        let all = self.slots().map(|(slot, entry)| (hash_of(&entry.line.digest), slot));
        self.table.is_full_with(more).then(|| self.table.grown(more, all))
    }

    /// Finds by `table` from now on, which holds the same.
    pub(crate) fn replace(&mut self, table: Table) {
        self.table = table;
    }

    /// Puts a secret in its slot, or in a new one where it has none yet, and says which one that is. There is room for it.
    pub(crate) fn put(&mut self, hash: u64, entry: Entry) -> u32 {
        if let Some(slot) = self.slot(hash, &entry.line.digest) {
            if let Some(earlier) = &self.entries[slot] {
                entry.line.counts_as(&earlier.line);
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

    /// Empties a slot.
    pub(crate) fn remove(&mut self, slot: u32, hash_of: impl Fn(&Digest) -> u64) {
        let hash = |slot: u32| self.entries[slot].as_ref().map_or(0, |entry| hash_of(&entry.line.digest));
        self.table.remove(hash(slot), slot, hash);
        if self.entries[slot].take().is_some() {
            self.free.push(slot);
        }
    }

    /// The slots in use, and what stands in them.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(self.entries.iter()).filter_map(|(slot, entry)| entry.as_ref().map(|entry| (slot, entry)))
    }

    fn slot(&self, hash: u64, digest: &Digest) -> Option<u32> {
        let is_it = |slot| self.entries[slot].as_ref().is_some_and(|entry| entry.line.digest == *digest);
        self.table.find(hash, is_it)
    }
}
