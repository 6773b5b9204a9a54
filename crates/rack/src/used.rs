//! What one secret was used for between two drains, and the uses that were drained and are not written down yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;

use foldhash::fast::RandomState;
use keyrack_key::{Digest, KeyId, Timestamp};

use crate::tally::Seen;
use crate::{LastUse, Outcome};

/// The secrets of which a backlog keeps uses. A rack holds fewer; only secrets that were deleted while nothing could be
/// written come on top.
const MOST: usize = 1 << 21;

/// What one secret of a key was used for since it was last drained.
#[derive(Clone, Debug)]
pub struct Used {
    /// The key.
    pub key: KeyId,
    /// Which of its secrets. None where a node did not report it.
    pub secret: Option<Digest>,
    /// How many checks ended how.
    pub counts: Vec<(Outcome, u32)>,
    /// The last use that was let through. None where no use was.
    pub last: Option<LastUse>,
    /// Where the secret was exposed.
    pub seen: Vec<Seen>,
}

impl Used {
    /// How many checks these are.
    pub fn checks(&self) -> u64 {
        self.counts.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Brings times that a clock elsewhere has set ahead of `now` back to it.
    pub fn clamp(&mut self, now: Timestamp) {
        if let Some(last) = &mut self.last {
            last.at = last.at.min(now);
        }
        self.seen.iter_mut().for_each(|seen| seen.at = seen.at.min(now));
    }

    /// Adds `more` uses of the same secret.
    pub fn add(&mut self, more: Self) {
        for (outcome, count) in more.counts {
            match self.counts.iter_mut().find(|(own, _)| *own == outcome) {
                Some((_, own)) => *own = own.saturating_add(count),
                None => self.counts.push((outcome, count)),
            }
        }
        if more.last.is_some_and(|more| self.last.is_none_or(|last| last.at <= more.at)) {
            self.last = more.last;
        }
        for seen in more.seen {
            let is_same = |own: &&mut Seen| (own.exposure, own.origin) == (seen.exposure, seen.origin);
            match self.seen.iter_mut().find(is_same) {
                Some(own) => own.at = own.at.min(seen.at),
                None => self.seen.push(seen),
            }
        }
    }
}

/// Uses that were drained and are not written down yet. Those of one secret are added up, so that a backlog takes memory for
/// the secrets that were used, however long nothing can be written.
#[derive(Debug, Default)]
pub struct UseBacklog {
    gathered: HashMap<(KeyId, Option<Digest>), Used, RandomState>,
    /// What was gathered when it was last empty, by descending key.
    due: Vec<Used>,
}

impl UseBacklog {
    /// Adds uses, and returns how many checks were lost because there was no room.
    pub fn add(&mut self, used: impl IntoIterator<Item = Used>) -> u64 {
        let mut lost = 0;
        for one in used {
            let has_room = self.gathered.len() < MOST;
            match self.gathered.entry((one.key, one.secret)) {
                Entry::Occupied(mut own) => own.get_mut().add(one),
                Entry::Vacant(place) if has_room => {
                    place.insert(one);
                }
                Entry::Vacant(_) => lost += one.checks(),
            }
        }
        lost
    }

    /// Takes the uses of up to `most` secrets. They come in rounds: each secret that was used before a round began has its turn
    /// in it, in the order of the keys, since rows that lie together are written faster.
    pub fn take(&mut self, most: usize) -> Vec<Used> {
        if self.due.is_empty() && !self.gathered.is_empty() {
            // The memory of a crowd is given back.
            self.due = mem::take(&mut self.gathered).into_values().collect();
            self.due.sort_unstable_by_key(|used| std::cmp::Reverse(used.key));
        }
        let mut taken = self.due.split_off(self.due.len().saturating_sub(most));
        taken.reverse();
        if self.due.is_empty() {
            self.due = Vec::new();
        }
        taken
    }

    /// The secrets whose uses wait, those of a round that has begun counted apart.
    pub fn len(&self) -> usize {
        self.gathered.len() + self.due.len()
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many checks wait.
    pub fn checks(&self) -> u64 {
        self.gathered.values().chain(&self.due).map(Used::checks).sum()
    }
}
