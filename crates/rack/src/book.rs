//! A book of tallies: the usage of secrets between two drains.

use std::mem;
use std::sync::OnceLock;

use keyrack_key::{Digest, Exposure, Hint, KeyId, Timestamp};

use crate::counter::{Counter, OutcomeCount};
use crate::entry_location::EntryLocation;
use crate::outcome::outcome;
use crate::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use crate::sync::{Mutex, STRIPES, stripe};
use crate::usage::{SecretExposure, SecretUsage};
use crate::{LastUse, Outcome, SanitizedText};

/// The number of tallies that are allocated together.
const PAGE: usize = if cfg!(feature = "shuttle") { 3 } else { 256 };
/// The number of pages in a book.
const PAGES: usize = if cfg!(feature = "shuttle") { 1 } else { 272 };
/// The number of tallies, at the end of a book, that are reserved for exposed secrets.
const RESERVED: usize = if cfg!(feature = "shuttle") { 0 } else { 16 * PAGE };
/// The number of secrets whose usage a book can count.
pub(crate) const CAPACITY: usize = PAGE * PAGES - RESERVED;
/// The index of the tally whose start requests a drain.
pub(crate) const DRAIN_AT: usize = CAPACITY / 8;
/// The number of outcomes that a tally counts in addition to those in the threads' counters.
const OUTCOMES_PER_TALLY: usize = if cfg!(feature = "shuttle") { 2 } else { 12 };
/// The exposures that a tally can hold, except [`Exposure::None`].
const EXPOSURES: [Exposure; 2] = [Exposure::Url, Exposure::Browser];
/// The number of attempts to lock a tally before a thread gives up.
const LOCK_ATTEMPTS: u32 = 100;
/// Marks that no time was recorded.
const NEVER: i64 = i64::MIN;

/// Tallies in the order in which they were started. Pages are allocated on first use and then kept.
#[derive(Debug)]
pub(crate) struct TallyBook {
    pages: Box<[OnceLock<TallyPage>]>,
    /// The number of tallies that were started since the last reset.
    started: AtomicU32,
}

#[derive(Debug)]
struct TallyPage {
    tallies: Box<[Tally]>,
    /// One set for each stripe of threads, so that threads that count checks of the same secret
    /// write to different memory.
    counters: [Box<[Counter]>; STRIPES],
}

/// The usage of one secret, except the counts in the threads' counters.
#[derive(Debug)]
pub(crate) struct Tally {
    outcomes: [Counter; OUTCOMES_PER_TALLY],
    /// When the secret was first exposed, in microseconds, for each of [`EXPOSURES`].
    exposed: [AtomicI64; EXPOSURES.len()],
    /// Locked for a few stores only. A request that finds it locked does not wait.
    pub(crate) rare: Mutex<RareFields>,
}

/// The secret whose usage a tally counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) key: KeyId,
    pub(crate) secret: Digest,
    pub(crate) hint: Hint,
    /// The location of the secret's entry.
    pub(crate) location: EntryLocation,
}

/// Fields that change rarely.
#[derive(Debug, Default)]
pub(crate) struct RareFields {
    /// `None` if no entry refers to the tally.
    pub(crate) owner: Option<Owner>,
    pub(crate) last: Option<LastUse>,
    /// The origin of the first exposure of each kind.
    origins: [Option<SanitizedText<80>>; EXPOSURES.len()],
}

impl Default for TallyBook {
    fn default() -> Self {
        Self { pages: (0..PAGES).map(|_| OnceLock::new()).collect(), started: AtomicU32::new(0) }
    }
}

impl TallyBook {
    /// Starts a tally and returns its index. Returns `None` if the book is full. An `urgent` tally may be
    /// one of the reserved ones.
    pub(crate) fn start(&self, urgent: bool) -> Option<usize> {
        let capacity = if urgent { CAPACITY + RESERVED } else { CAPACITY };
        let next = |started: u32| ((started as usize) < capacity).then_some(started + 1);
        self.started.try_update(Ordering::AcqRel, Ordering::Acquire, next).ok().map(|at| at as usize)
    }

    pub(crate) fn started(&self) -> usize {
        self.started.load(Ordering::Acquire) as usize
    }

    /// Makes all tallies free. The caller has taken all of them.
    pub(crate) fn reset(&self) {
        self.started.store(0, Ordering::Release);
    }

    pub(crate) fn tally(&self, at: usize) -> &Tally {
        &self.page(at).tallies[at % PAGE]
    }

    /// Counts one check that ended with `outcome`. Returns the checks that the tally cannot count, because it
    /// has no room for another outcome.
    pub(crate) fn count(&self, at: usize, outcome: usize) -> Option<OutcomeCount> {
        let page = self.page(at);
        let (outcome, count) = page.counters[stripe()][at % PAGE].count(outcome)?;
        page.tallies[at % PAGE].add(outcome, count)
    }

    /// Subtracts one check that ended with `outcome`, if one was counted.
    pub(crate) fn take_one(&self, at: usize, outcome: usize) {
        let page = self.page(at);
        let counters = page.counters.iter().map(|stripe| &stripe[at % PAGE]);
        // The check was counted in one of these counters.
        let _ = counters.chain(&page.tallies[at % PAGE].outcomes).any(|counter| counter.take_one(outcome));
    }

    /// Takes all counts of a tally. No other thread may count in it meanwhile.
    pub(crate) fn take(&self, at: usize, owner: &Owner) -> Option<SecretUsage> {
        let (page, at) = (self.page(at), at % PAGE);
        let tally = &page.tallies[at];
        let mut rare = tally.rare.lock();
        let (last, origins) = (rare.last.take(), mem::take(&mut rare.origins));
        let all = page.counters.iter().map(|stripe| &stripe[at]).chain(&tally.outcomes);
        let counts = sum_by_outcome(all.filter_map(Counter::take));
        let exposures = tally.exposures(owner, origins);
        let is_used = !counts.is_empty() || last.is_some() || !exposures.is_empty();
        is_used.then_some(SecretUsage { key: owner.key, secret: Some(owner.secret), counts, last, exposures })
    }

    fn page(&self, at: usize) -> &TallyPage {
        self.pages[at / PAGE].get_or_init(TallyPage::new)
    }
}

impl TallyPage {
    fn new() -> Self {
        let counters = || (0..PAGE).map(|_| Counter::default()).collect();
        let tallies = (0..PAGE).map(|_| Tally::new()).collect();
        Self { tallies, counters: std::array::from_fn(|_| counters()) }
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            outcomes: Default::default(),
            exposed: std::array::from_fn(|_| AtomicI64::new(NEVER)),
            rare: Mutex::default(),
        }
    }

    /// Adds checks with one outcome. Returns them if the tally has no room for another outcome.
    pub(crate) fn add(&self, outcome: usize, count: u32) -> Option<OutcomeCount> {
        let is_added = self.outcomes.iter().any(|counter| counter.add(outcome, count));
        (!is_added).then_some((outcome, count))
    }

    /// Records the first exposure of each kind. Leaves out the origin if other threads keep
    /// the tally locked for long.
    pub(crate) fn expose(&self, exposure: Exposure, origin: &[u8], now: Timestamp) {
        let Some(kind) = EXPOSURES.iter().position(|one| *one == exposure) else { return };
        let at = now.micros().max(NEVER + 1);
        if self.exposed[kind].compare_exchange(NEVER, at, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        let look = |_| {
            std::hint::spin_loop();
            self.rare.try_lock()
        };
        if let Some(mut rare) = (0..LOCK_ATTEMPTS).find_map(look) {
            rare.origins[kind] = Some(SanitizedText::new(origin));
        }
    }

    fn exposures(
        &self,
        owner: &Owner,
        origins: [Option<SanitizedText<80>>; EXPOSURES.len()],
    ) -> Vec<SecretExposure> {
        let kinds = EXPOSURES.into_iter().zip(&self.exposed).zip(origins);
        let exposures = kinds.map(|((exposure, at), origin)| SecretExposure {
            hint: owner.hint,
            exposure,
            origin: origin.unwrap_or_else(|| SanitizedText::new(b"")),
            at: Timestamp::from_micros(at.swap(NEVER, Ordering::AcqRel)),
        });
        exposures.filter(|exposures| exposures.at.micros() != NEVER).collect()
    }
}

/// Adds up the counts, so that each outcome occurs once, in the order of the numbers.
fn sum_by_outcome(counted: impl Iterator<Item = OutcomeCount>) -> Vec<(Outcome, u32)> {
    let mut all: Vec<_> = counted.collect();
    all.sort_unstable_by_key(|(outcome, _)| *outcome);
    all.dedup_by(|(outcome, more), (first, count)| {
        let is_same = outcome == first;
        if is_same {
            *count = count.saturating_add(*more);
        }
        is_same
    });
    all.into_iter().map(|(number, count)| (outcome(number), count)).collect()
}
