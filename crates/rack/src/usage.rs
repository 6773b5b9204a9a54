//! The usage of secrets between two drains, and a backlog of usage that is not in the store yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;

use foldhash::fast::RandomState;
use keyrack_key::{Digest, Exposure, Hint, KeyId, Timestamp};

use crate::{LastUse, Outcome, SanitizedText};

/// The number of secrets in a backlog. A rack holds fewer secrets; the rest is for secrets that were deleted
/// while the store was unavailable.
const SECRETS_MAX: usize = 1 << 21;

/// The usage of one secret since the previous drain.
#[derive(Clone, Debug)]
pub struct SecretUsage {
    /// The id of the key.
    pub key: KeyId,
    /// The digest of the secret. `None` if a node did not report it.
    pub secret: Option<Digest>,
    /// The number of checks for each outcome.
    pub counts: Vec<(Outcome, u32)>,
    /// The last allowed request; `None` if no request was allowed.
    pub last: Option<LastUse>,
    /// The exposures of the secret.
    pub exposures: Vec<SecretExposure>,
}

/// The first exposure of a secret since the previous drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretExposure {
    /// The hint of the exposed secret.
    pub hint: Hint,
    /// Where others can read the secret.
    pub exposure: Exposure,
    /// The origin of the page that sent the secret; empty if unknown.
    pub origin: SanitizedText<80>,
    /// The time of the first exposure.
    pub at: Timestamp,
}

impl SecretUsage {
    /// Returns the number of checks, over all outcomes.
    pub fn checks(&self) -> u64 {
        self.counts.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Moves times that are later than `now` back to `now`: the clock of the machine
    /// that recorded them was ahead.
    pub fn clamp(&mut self, now: Timestamp) {
        if let Some(last) = &mut self.last {
            last.at = last.at.min(now);
        }
        self.exposures.iter_mut().for_each(|exposure| exposure.at = exposure.at.min(now));
    }

    /// Adds the usage of the same secret in another period.
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
        for exposure in more.exposures {
            let is_same = |own: &&mut SecretExposure| {
                (own.exposure, own.origin) == (exposure.exposure, exposure.origin)
            };
            match self.exposures.iter_mut().find(is_same) {
                Some(own) => own.at = own.at.min(exposure.at),
                None => self.exposures.push(exposure),
            }
        }
    }
}

/// Usage that was drained and is not in the store yet. The usage of a secret is added up, so that the memory
/// depends on the number of used secrets and not on how long the store is unavailable.
///
/// # Examples
///
/// ```
/// use keyrack_key::KeyId;
/// # use keyrack_key::Timestamp;
/// use keyrack_rack::{Outcome, SecretUsage, UsageBacklog};
///
/// # let key = KeyId::new(Timestamp::from_micros(0), &mut rand_core::UnwrapErr(getrandom::SysRng));
/// let allowed = Outcome { permission: None, denied: None };
/// let used = SecretUsage { key, secret: None, counts: vec![(allowed, 2)], last: None, exposures: Vec::new() };
/// let mut backlog = UsageBacklog::default();
/// assert_eq!(backlog.add([used.clone(), used]), 0);
/// assert_eq!(backlog.take(100)[0].counts, [(allowed, 4)]);
/// ```
#[derive(Debug, Default)]
pub struct UsageBacklog {
    gathered: HashMap<(KeyId, Option<Digest>), SecretUsage, RandomState>,
    /// The usage of the current round, by descending key.
    due: Vec<SecretUsage>,
}

impl UsageBacklog {
    /// Adds usage, and returns the number of checks that were lost for lack of room.
    pub fn add(&mut self, used: impl IntoIterator<Item = SecretUsage>) -> u64 {
        let mut lost = 0;
        for one in used {
            let has_room = self.gathered.len() < SECRETS_MAX;
            match self.gathered.entry((one.key, one.secret)) {
                Entry::Occupied(mut own) => own.get_mut().add(one),
                Entry::Vacant(entry) if has_room => {
                    entry.insert(one);
                }
                Entry::Vacant(_) => lost += one.checks(),
            }
        }
        lost
    }

    /// Takes the usage of up to `most` secrets. Works in rounds: a round contains every secret that was used
    /// before it started, ordered by key, because adjacent rows are written faster.
    pub fn take(&mut self, most: usize) -> Vec<SecretUsage> {
        if self.due.is_empty() && !self.gathered.is_empty() {
            // A new map releases the memory that a crowd needed.
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

    /// Returns the number of entries that wait. A secret may have one in the current
    /// round and one in the next.
    pub fn len(&self) -> usize {
        self.gathered.len() + self.due.len()
    }

    /// Returns `true` if no usage waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of checks that wait.
    pub fn checks(&self) -> u64 {
        self.gathered.values().chain(&self.due).map(SecretUsage::checks).sum()
    }
}
