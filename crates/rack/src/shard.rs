//! A part of the table, behind a lock of its own.

use hashbrown::HashTable;
use keyrack_key::Digest;

use crate::line::{Card, Line};
use crate::pages::Pages;

/// How many shards there are. Writers hold one of them at a time, so a request meets a writer in one of 256 cases; a
/// shard of a table of a million keys grows, which is the longest that it is held, in a fraction of a millisecond.
pub(crate) const SHARDS: usize = 256;

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

/// Lines and cards, and the table that finds them.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    slots: HashTable<u32>,
    lines: Pages<Option<Line>>,
    cards: Pages<Option<Card>>,
    free: Vec<u32>,
}

impl Shard {
    /// The slot of the secret with this digest.
    pub(crate) fn find(&self, hash: u64, digest: &Digest) -> Option<u32> {
        self.slots
            .find(hash, |slot| self.lines[*slot].as_ref().is_some_and(|line| line.digest == *digest))
            .copied()
    }

    /// What stands in a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<(&Line, &Card)> {
        self.lines[slot].as_ref().zip(self.cards[slot].as_ref())
    }

    /// Puts a secret in its slot, or in a new one where it has none yet, and says which one that is.
    pub(crate) fn put(&mut self, hash: u64, line: Line, card: Card, rehash: impl Fn(&Digest) -> u64) -> u32 {
        if let Some(slot) = self.find(hash, &line.digest) {
            if let Some(earlier) = &self.lines[slot] {
                line.counts_as(earlier);
            }
            self.lines[slot] = Some(line);
            self.cards[slot] = Some(card);
            return slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.lines.push(None);
            self.cards.push(None);
            u32::try_from(self.lines.len() - 1).unwrap_or(u32::MAX)
        });
        self.lines[slot] = Some(line);
        self.cards[slot] = Some(card);
        let lines = &self.lines;
        self.slots
            .insert_unique(hash, slot, |slot| lines[*slot].as_ref().map_or(0, |line| rehash(&line.digest)));
        slot
    }

    /// Empties a slot.
    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        if let Ok(found) = self.slots.find_entry(hash, |one| *one == slot) {
            found.remove();
            self.lines[slot] = None;
            self.cards[slot] = None;
            self.free.push(slot);
        }
    }

    /// The slots in use.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().copied()
    }
}
