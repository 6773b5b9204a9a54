//! Finds the slot of a digest with one access to uncached memory. A table with control bytes needs two.

/// Marks a bucket without a slot.
const EMPTY: u32 = u32::MAX;
/// The number of bits for the slot in a bucket. The bits above hold a part of the hash, so that entries with
/// other digests are rarely read.
const SLOT_BITS: u32 = 24;
/// The highest slot. With any hash, its bucket differs from an empty one.
pub(crate) const LAST_SLOT: u32 = (1 << SLOT_BITS) - 2;
/// The smallest number of buckets.
const BUCKETS_MIN: usize = 16;

/// Open addressing with linear probing (Knuth, The Art of Computer Programming, volume 3, 6.4, algorithms L
/// and R), at most three quarters full.
#[derive(Debug)]
pub(crate) struct Table {
    /// The length is a power of two.
    buckets: Box<[u32]>,
    slots: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { buckets: vec![EMPTY; BUCKETS_MIN].into(), slots: 0 }
    }
}

impl Table {
    /// Returns the slot with this hash for which `is_match` returns `true`.
    pub(crate) fn find(&self, hash: u64, is_match: impl Fn(u32) -> bool) -> Option<u32> {
        self.bucket(hash, is_match).map(|at| slot(self.buckets[at]))
    }

    /// Returns `true` if `more` slots would make the table too full. [`grown`](Self::grown)
    /// then builds a larger one.
    pub(crate) const fn is_full_with(&self, more: usize) -> bool {
        (self.slots + more) * 4 > self.buckets.len() * 3
    }

    /// Builds a table of at least twice the size, with room for `more` slots. `all` are the
    /// current slots and their hashes.
    pub(crate) fn grown(&self, more: usize, all: impl Iterator<Item = (u64, u32)>) -> Self {
        let needed = ((self.slots + more) * 4).div_ceil(3).next_power_of_two();
        let buckets = needed.max(self.buckets.len() * 2);
        let mut grown = Self { buckets: vec![EMPTY; buckets].into(), slots: 0 };
        all.for_each(|(hash, slot)| grown.put(hash, slot));
        grown
    }

    /// Adds a slot that is not in the table. The table must have room.
    pub(crate) fn put(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(hash);
        while self.buckets[at] != EMPTY {
            at = self.next(at);
        }
        self.buckets[at] = tag(hash) << SLOT_BITS | slot;
        self.slots += 1;
    }

    /// Removes a slot and closes the gap. `hash_of` returns the hash of a slot that follows.
    pub(crate) fn remove(&mut self, hash: u64, removed: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut gap) = self.bucket(hash, |one| one == removed) else { return };
        self.slots -= 1;
        let mut at = gap;
        loop {
            at = self.next(at);
            let bucket = self.buckets[at];
            if bucket == EMPTY {
                break;
            }
            // The slot may move to the gap unless its home is behind the gap.
            let mask = self.buckets.len() - 1;
            let home = self.home(hash_of(slot(bucket)));
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                self.buckets[gap] = bucket;
                gap = at;
            }
        }
        self.buckets[gap] = EMPTY;
    }

    fn bucket(&self, hash: u64, is_match: impl Fn(u32) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        loop {
            let bucket = self.buckets[at];
            if bucket == EMPTY {
                return None;
            }
            if bucket >> SLOT_BITS == tag(hash) && is_match(slot(bucket)) {
                return Some(at);
            }
            at = self.next(at);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is wanted")]
    const fn home(&self, hash: u64) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    const fn next(&self, at: usize) -> usize {
        (at + 1) & (self.buckets.len() - 1)
    }
}

/// Uses the highest bits: the lowest select the bucket, and the middle ones the shard.
const fn tag(hash: u64) -> u32 {
    (hash >> 56) as u32
}

const fn slot(bucket: u32) -> u32 {
    bucket & ((1 << SLOT_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Few homes and tags, so that slots collide.
    fn hash_of(slot: u32) -> u64 {
        (u64::from(slot % 7) << 56) | (u64::from(slot % 5) * 3)
    }

    proptest! {
        #[test]
        fn table_finds_inserted_and_not_removed_slots(steps in prop::collection::vec((any::<bool>(), 0_u32..60), 0..300)) {
            let (mut table, mut held) = (Table::default(), BTreeSet::new());
            for (puts, slot) in steps {
                if puts && held.insert(slot) {
                    if table.is_full_with(1) {
                        let others = held.iter().filter(|one| **one != slot);
                        table = table.grown(1, others.map(|one| (hash_of(*one), *one)));
                    }
                    table.put(hash_of(slot), slot);
                } else if !puts {
                    held.remove(&slot);
                    table.remove(hash_of(slot), slot, hash_of);
                }
                for slot in 0..60 {
                    let found = table.find(hash_of(slot), |one| one == slot);
                    prop_assert_eq!(found, held.contains(&slot).then_some(slot));
                }
            }
        }
    }

    #[test]
    fn grown_table_has_requested_room() {
        for more in [1, 11, 12, 13, 1_000] {
            let small = Table::default();
            assert_eq!(small.is_full_with(more), more > BUCKETS_MIN * 3 / 4, "{more}");
            let mut table = small.grown(more, std::iter::empty());
            assert!(!table.is_full_with(more), "{more}");
            let slots = 0..u32::try_from(more).unwrap();
            slots.clone().for_each(|slot| table.put(hash_of(slot), slot));
            let found = |slot| table.find(hash_of(slot), |one| one == slot);
            assert!(slots.into_iter().all(|slot| found(slot) == Some(slot)), "{more}");
        }
    }

    #[test]
    fn last_slot_with_highest_tag_is_not_empty_bucket() {
        let mut table = Table::default();
        table.put(u64::MAX, LAST_SLOT);
        assert_eq!(table.find(u64::MAX, |_| true), Some(LAST_SLOT));
    }
}
