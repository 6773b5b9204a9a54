//! What was used, counted in memory until somebody writes it down.

use std::array;
use std::sync::OnceLock;

use crossbeam_queue::ArrayQueue;
use keyrack_key::KeyId;

use crate::LastUse;
use crate::outcome::{OUTCOMES, Outcome, outcome};
use crate::shard::Place;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Tallies that come into being together.
const PAGE: usize = if cfg!(feature = "shuttle") { 3 } else { 1024 };
/// With those of a page: the secrets whose uses are counted at the same time.
const PAGES: usize = if cfg!(feature = "shuttle") { 1 } else { 64 };
/// A tally that was drained so often without a use is given to another secret.
const IDLE: u32 = if cfg!(feature = "shuttle") { 1 } else { 100 };

/// The number of a tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TallyId(u32);

/// What a key was used for since it was last asked.
#[derive(Clone, Debug)]
pub struct Used {
    /// The key.
    pub key: KeyId,
    /// How often its checks ended how.
    pub counts: Vec<(Outcome, u32)>,
    /// The last that was let through, if any was.
    pub last: Option<LastUse>,
}

impl Used {
    /// How many checks these are.
    pub fn checks(&self) -> u64 {
        self.counts.iter().map(|(_, count)| u64::from(*count)).sum()
    }
}

/// Counts the uses of one secret.
#[derive(Debug)]
pub(crate) struct Tally {
    counts: [AtomicU32; OUTCOMES],
    slow: Mutex<Slow>,
}

/// What only drains and the noting of last uses look at.
#[derive(Debug, Default)]
struct Slow {
    /// Whose it is, and where its line is; nothing where the tally is free.
    owner: Option<(KeyId, Place)>,
    last: Option<LastUse>,
    idle: u32,
}

/// All tallies. Bounded, and never in the way of a request: a tally that is being drained is not waited for.
#[derive(Debug)]
pub(crate) struct Tallies {
    pages: [OnceLock<Box<[Tally]>>; PAGES],
    free: ArrayQueue<u32>,
    /// How many were ever handed out.
    begun: AtomicU32,
    dropped: AtomicU64,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            pages: [const { OnceLock::new() }; PAGES],
            free: ArrayQueue::new(PAGES * PAGE),
            begun: AtomicU32::new(0),
            dropped: AtomicU64::new(0),
        }
    }
}

impl Tallies {
    /// Counts one use of a secret, whose line names its tally in `named`. The line stays where it is meanwhile:
    /// its shard is locked. Allocates once for each 1,024 secrets that are used for the first time.
    pub(crate) fn count(
        &self,
        named: &AtomicU32,
        key: KeyId,
        place: Place,
        outcome: usize,
    ) -> Option<TallyId> {
        let id = match TallyId::of(named.load(Ordering::Acquire)) {
            Some(id) => id,
            None => self.begin(named, key, place)?,
        };
        self.tally(id).counts[outcome].fetch_add(1, Ordering::Relaxed);
        Some(id)
    }

    /// Keeps `used` if the tally still is the key's and nobody else is writing there.
    pub(crate) fn note(&self, id: TallyId, key: KeyId, used: LastUse) {
        let Some(mut slow) = self.tally(id).slow.try_lock() else { return };
        if slow.owner.is_some_and(|(owner, _)| owner == key) {
            slow.last = Some(used);
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What was counted since the last time, secret by secret. `release` is asked about a secret that was not used for
    /// long, or is no more: it takes the tally's name off the line, if there is one, so that nobody counts there any more.
    pub(crate) fn drain(&self, mut release: impl FnMut(TallyId, Place)) -> Vec<Used> {
        let mut drained = Vec::new();
        for number in 0..self.begun.load(Ordering::Acquire) {
            let id = TallyId(number);
            let tally = self.tally(id);
            let mut slow = tally.slow.lock();
            let Some((key, place)) = slow.owner else { continue };
            if let Some(used) = tally.take(key, &mut slow) {
                drained.push(used);
                continue;
            }
            slow.idle += 1;
            if slow.idle < IDLE {
                continue;
            }
            release(id, place);
            // Whoever counted while the name was taken off.
            drained.extend(tally.take(key, &mut slow));
            slow.owner = None;
            // There is room: no more were handed out than fit.
            let _ = self.free.push(number);
        }
        drained
    }

    fn begin(&self, named: &AtomicU32, key: KeyId, place: Place) -> Option<TallyId> {
        let Some(id) = self.take_free() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        *self.tally(id).slow.lock() = Slow { owner: Some((key, place)), ..Slow::default() };
        match named.compare_exchange(0, id.name(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(id),
            Err(other) => {
                self.tally(id).slow.lock().owner = None;
                let _ = self.free.push(id.0);
                TallyId::of(other)
            }
        }
    }

    fn take_free(&self) -> Option<TallyId> {
        if let Some(number) = self.free.pop() {
            return Some(TallyId(number));
        }
        let most = u32::try_from(PAGES * PAGE).unwrap_or(u32::MAX);
        let next = |begun: u32| (begun < most).then_some(begun + 1);
        self.begun.try_update(Ordering::AcqRel, Ordering::Acquire, next).ok().map(TallyId)
    }

    fn tally(&self, TallyId(number): TallyId) -> &Tally {
        let number = number as usize;
        &self.pages[number / PAGE].get_or_init(|| (0..PAGE).map(|_| Tally::new()).collect())[number % PAGE]
    }
}

impl Tally {
    fn new() -> Self {
        Self { counts: array::from_fn(|_| AtomicU32::new(0)), slow: Mutex::default() }
    }

    /// Takes what there is, if there is anything.
    fn take(&self, key: KeyId, slow: &mut Slow) -> Option<Used> {
        let last = slow.last.take();
        let counts: Vec<_> = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| count.load(Ordering::Relaxed) != 0)
            .map(|(number, count)| (outcome(number), count.swap(0, Ordering::Relaxed)))
            .collect();
        if counts.is_empty() && last.is_none() {
            return None;
        }
        slow.idle = 0;
        Some(Used { key, counts, last })
    }
}

impl TallyId {
    /// As a line names it.
    pub(crate) const fn name(self) -> u32 {
        self.0 + 1
    }

    pub(crate) fn of(name: u32) -> Option<Self> {
        name.checked_sub(1).map(Self)
    }
}
