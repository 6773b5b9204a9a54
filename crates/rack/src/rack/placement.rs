//! Stores the entries of many keys at a time.

use std::mem;
use std::sync::Arc;

use keyrack_key::{Digest, KeyId, Restrictions};

use super::index::Index;
use super::{Rack, shard_of};
use crate::entry::Entry;
use crate::entry_location::EntryLocation;
use crate::meters::MeterRegistry;
use crate::shard::SHARDS;
use crate::{ActiveRestrictions, KeyRecord};

/// The number of keys of a snapshot that are stored together. So few that checks in a shard hardly wait.
pub(super) const CHUNK: usize = 1_000;

/// Entries that are ready to be stored, grouped so that each shard is locked once for all of them.
pub(super) struct Placement {
    /// For each shard, entries and the hashes of their digests.
    shards: Box<[Vec<(u64, Entry)>]>,
    stored: Vec<(KeyId, EntryLocation)>,
    /// Slots of earlier states of the keys that no new entry replaces.
    obsolete: Vec<EntryLocation>,
    keys: usize,
}

impl Default for Placement {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Vec::new()).collect();
        Self { shards, stored: Vec::new(), obsolete: Vec::new(), keys: 0 }
    }
}

impl Rack {
    /// Prepares the entries of a key. `earlier` are the slots of the key's earlier state.
    pub(super) fn prepare(
        &self,
        placement: &mut Placement,
        registry: &mut MeterRegistry,
        record: &KeyRecord,
        earlier: &[EntryLocation],
    ) {
        let restrictions = self.active_restrictions(registry, record, earlier);
        for (digest, secret) in &record.secrets {
            let hash = self.hash(digest);
            let entry = Entry::of(record, *digest, *secret, restrictions.as_ref());
            placement.shards[usize::from(shard_of(hash))].push((hash, entry));
        }
        placement.keys += usize::from(!record.secrets.is_empty());
        let stays =
            |location: &EntryLocation| record.secrets.iter().any(|(digest, _)| self.holds(*location, digest));
        placement.obsolete.extend(earlier.iter().filter(|location| !stays(location)));
    }

    /// Stores the prepared entries, and then removes the obsolete ones.
    pub(super) fn store(&self, index: &mut Index, placement: &mut Placement) {
        for (number, entries) in
            (0..SHARDS).zip(&mut placement.shards).filter(|(_, entries)| !entries.is_empty())
        {
            let lock = &self.shards[usize::from(number)];
            let grown = lock.read().grown(entries.len(), |digest| self.hash(digest));
            let mut shard = lock.write();
            if let Some(table) = grown {
                shard.replace(table);
            }
            placement.stored.extend(entries.drain(..).map(|(hash, entry)| {
                let key = entry.cold.key;
                (key, EntryLocation::new(number, shard.put(hash, entry)))
            }));
        }
        // After all shards, because the index reads the shards.
        placement
            .stored
            .drain(..)
            .for_each(|(key, location)| self.enter(&mut index.locations, key, location));
        placement.obsolete.drain(..).for_each(|location| self.remove(location));
        index.keys += mem::take(&mut placement.keys);
    }

    /// Returns the restrictions and the pause of a key. The meters of the earlier state continue.
    fn active_restrictions(
        &self,
        registry: &mut MeterRegistry,
        record: &KeyRecord,
        earlier: &[EntryLocation],
    ) -> Option<Arc<ActiveRestrictions>> {
        let before = earlier.iter().find_map(|location| {
            let shard = self.shards[usize::from(location.shard)].read();
            shard.get(location.slot()).and_then(|entry| entry.cold.active_restrictions().cloned())
        });
        let restrictions = record.terms.restrictions.as_ref().unwrap_or(&Restrictions::NONE);
        let before = before.as_deref().map(ActiveRestrictions::meters);
        let meters = registry.follow(record.key, record.workspace, before, restrictions);
        if record.terms.deleted_at.is_some() {
            registry.forget(record.key);
        }
        let is_restricted = record.terms.pause.is_some() || !restrictions.is_none();
        is_restricted
            .then(|| Arc::new(ActiveRestrictions::new(restrictions.clone(), record.terms.pause, meters)))
    }

    fn holds(&self, location: EntryLocation, digest: &Digest) -> bool {
        let shard = self.shards[usize::from(location.shard)].read();
        shard.get(location.slot()).is_some_and(|entry| entry.hot.digest == *digest)
    }
}
