//! Applies snapshots and changes to a rack, one writer at a time.

use std::convert::Infallible;
use std::time::Duration;

use hashbrown::HashTable;
use keyrack_key::Timestamp;

use super::Rack;
use super::index::Index;
use super::placement::{CHUNK, Placement};
use crate::entry_location::EntryLocation;
use crate::shard::SHARDS;
use crate::{Frame, Snapshot, SnapshotReader};

/// How long a deleted key or a retired secret remains known, so that the answer can name
/// the reason of the denial.
pub const TOMBSTONE_LIFE: Duration = Duration::from_hours(30 * 24);

/// The frame does not start at the position of the rack, which must load a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the feed does not continue at the rack's position")]
pub struct Gap;

impl Rack {
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
}
