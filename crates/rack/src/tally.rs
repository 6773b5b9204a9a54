//! What was used, counted in memory until somebody writes it down.

use std::array;
use std::sync::OnceLock;

use crossbeam_queue::ArrayQueue;
use keyrack_key::{Digest, KeyId};

use crate::LastUse;
use crate::counter::{Alike, Counter};
use crate::outcome::{OUTCOMES, Outcome, outcome};
use crate::shard::Place;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, STRIPES, stripe};

/// Tallies that come into being together.
const PAGE: usize = if cfg!(feature = "shuttle") { 3 } else { 1024 };
/// With those of a page: the secrets whose uses are counted at the same time.
const PAGES: usize = if cfg!(feature = "shuttle") { 1 } else { 64 };
/// A tally that was drained so often without a use is given to another secret.
const IDLE: u32 = if cfg!(feature = "shuttle") { 1 } else { 100 };

/// The number of a tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TallyId(u32);

/// Whose uses are counted: the key, which of its secrets, and where the line of that is.
type Owner = (KeyId, Digest, Place);

/// What one secret of a key was used for since it was last asked.
#[derive(Clone, Debug)]
pub struct Used {
    /// The key.
    pub key: KeyId,
    /// Which of its secrets, if whoever counted told.
    pub secret: Option<Digest>,
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

/// The uses of one secret, but for those that a thread's counter holds.
#[derive(Debug)]
pub(crate) struct Tally {
    counts: [AtomicU32; OUTCOMES],
    slow: Mutex<Slow>,
}

/// What only drains and the noting of last uses look at.
#[derive(Debug, Default)]
struct Slow {
    /// Nothing where the tally is free.
    owner: Option<Owner>,
    last: Option<LastUse>,
    idle: u32,
}

/// All tallies. Bounded, and never in the way of a request: a tally that is being drained is not waited for.
#[derive(Debug)]
pub(crate) struct Tallies {
    pages: [OnceLock<Box<[Tally]>>; PAGES],
    /// By the stripe of the thread and the number of the tally: threads that count the same key do not wait for each other.
    counters: [[OnceLock<Box<[Counter]>>; PAGES]; STRIPES],
    free: ArrayQueue<u32>,
    /// How many were ever handed out.
    begun: AtomicU32,
    dropped: AtomicU64,
    /// Held by whoever drains: one at a time.
    draining: Mutex<()>,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            pages: [const { OnceLock::new() }; PAGES],
            counters: [const { [const { OnceLock::new() }; PAGES] }; STRIPES],
            free: ArrayQueue::new(PAGES * PAGE),
            begun: AtomicU32::new(0),
            dropped: AtomicU64::new(0),
            draining: Mutex::default(),
        }
    }
}

impl Tallies {
    /// Counts one use of a secret, whose line names its tally in `named`. The line stays where it is meanwhile:
    /// its shard is locked. Allocates once for each 1,024 secrets that are used for the first time.
    pub(crate) fn count(&self, named: &AtomicU32, owner: Owner, outcome: usize) -> Option<TallyId> {
        let id = match TallyId::of(named.load(Ordering::Acquire)) {
            Some(id) => id,
            None => self.begin(named, owner)?,
        };
        self.add(id, self.counter(stripe(), id).count(outcome));
        Some(id)
    }

    /// Keeps `used` if the tally still is the key's and nobody else is writing there.
    pub(crate) fn note(&self, id: TallyId, key: KeyId, used: LastUse) {
        let Some(mut slow) = self.tally(id).slow.try_lock() else { return };
        if slow.owner.is_some_and(|(owner, ..)| owner == key) {
            slow.last = Some(used);
        }
    }

    /// Counts as `to` what was counted as `from`, if the tally still is the key's.
    pub(crate) fn recount(&self, id: TallyId, key: KeyId, from: usize, to: usize) {
        let tally = self.tally(id);
        let slow = tally.slow.lock();
        if slow.owner.is_some_and(|(owner, ..)| owner == key) {
            for stripe in 0..STRIPES {
                self.add(id, self.counter(stripe, id).take());
            }
            let less = |count: u32| count.checked_sub(1);
            // Where there is none left, it was drained.
            let _ = tally.counts[from].try_update(Ordering::Relaxed, Ordering::Relaxed, less);
            tally.counts[to].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What was counted since the last time, secret by secret. `release` is asked about a secret that was not used for
    /// long, or is no more: it takes the tally's name off the line, if there is one, so that nobody counts there any more.
    /// It locks the shard, and no tally is locked meanwhile: whoever checks does it the other way round.
    pub(crate) fn drain(&self, release: impl Fn(TallyId, Place)) -> Vec<Used> {
        let _alone = self.draining.lock();
        let mut drained = Vec::new();
        for id in (0..self.begun.load(Ordering::Acquire)).map(TallyId) {
            let Some(owner) = self.tally(id).slow.lock().owner else { continue };
            let (used, is_idle) = self.take(id, owner);
            drained.extend(used);
            if is_idle {
                release(id, owner.2);
                // Whoever counted while the name was taken off.
                drained.extend(self.take(id, owner).0);
                self.free(id, owner);
            }
        }
        drained
    }

    /// Takes what there is, if there is anything, unless the tally is another's by now; and whether there was nothing for long.
    fn take(&self, id: TallyId, owner: Owner) -> (Option<Used>, bool) {
        let tally = self.tally(id);
        let mut slow = tally.slow.lock();
        if slow.owner != Some(owner) {
            return (None, false);
        }
        for stripe in 0..STRIPES {
            self.add(id, self.counter(stripe, id).take());
        }
        let last = slow.last.take();
        let counts = tally.take();
        if counts.is_empty() && last.is_none() {
            slow.idle += 1;
            return (None, slow.idle >= IDLE);
        }
        slow.idle = 0;
        (Some(Used { key: owner.0, secret: Some(owner.1), counts, last }), false)
    }

    /// Lets another secret have a tally that no line names any more.
    fn free(&self, id: TallyId, owner: Owner) {
        // Who began it and was overtaken has let it go already.
        if self.tally(id).slow.lock().owner.take_if(|one| *one == owner).is_some() {
            // There is room: no more were handed out than fit.
            let _ = self.free.push(id.0);
        }
    }

    fn add(&self, id: TallyId, alike: Option<Alike>) {
        if let Some((outcome, count)) = alike {
            self.tally(id).counts[outcome].fetch_add(count, Ordering::Relaxed);
        }
    }

    fn begin(&self, named: &AtomicU32, owner: Owner) -> Option<TallyId> {
        let Some(id) = self.take_free() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        *self.tally(id).slow.lock() = Slow { owner: Some(owner), ..Slow::default() };
        match named.compare_exchange(0, id.name(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(id),
            Err(other) => {
                self.free(id, owner);
                TallyId::of(other)
            }
        }
    }

    fn take_free(&self) -> Option<TallyId> {
        let most = u32::try_from(PAGES * PAGE).unwrap_or(u32::MAX);
        // Asked first, since popping costs more where there is nothing: a crowd of secrets, of which most are not counted.
        if let Some(number) = (!self.free.is_empty()).then(|| self.free.pop()).flatten() {
            return Some(TallyId(number));
        }
        let next = |begun: u32| (begun < most).then_some(begun + 1);
        self.begun.try_update(Ordering::AcqRel, Ordering::Acquire, next).ok().map(TallyId)
    }

    fn tally(&self, TallyId(number): TallyId) -> &Tally {
        let number = number as usize;
        &self.pages[number / PAGE].get_or_init(|| (0..PAGE).map(|_| Tally::new()).collect())[number % PAGE]
    }

    fn counter(&self, stripe: usize, TallyId(number): TallyId) -> &Counter {
        let number = number as usize;
        let page = &self.counters[stripe][number / PAGE];
        &page.get_or_init(|| (0..PAGE).map(|_| Counter::default()).collect())[number % PAGE]
    }
}

impl Tally {
    fn new() -> Self {
        Self { counts: array::from_fn(|_| AtomicU32::new(0)), slow: Mutex::default() }
    }

    fn take(&self) -> Vec<(Outcome, u32)> {
        let counts = self.counts.iter().enumerate().filter(|(_, count)| count.load(Ordering::Relaxed) != 0);
        counts.map(|(number, count)| (outcome(number), count.swap(0, Ordering::Relaxed))).collect()
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
