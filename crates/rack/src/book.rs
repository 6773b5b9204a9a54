//! A book of tallies: the secrets that were used between two drains, and how their checks ended.

use std::mem;
use std::sync::OnceLock;

use keyrack_key::{Exposure, Timestamp};

use crate::counter::{Alike, Counter};
use crate::outcome::outcome;
use crate::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use crate::sync::{Mutex, STRIPES, stripe};
use crate::tally::{Owner, Seen};
use crate::used::Used;
use crate::{LastUse, Outcome, Words};

/// Tallies that are allocated together.
const PAGE: usize = if cfg!(feature = "shuttle") { 3 } else { 256 };
/// The pages of a book.
const PAGES: usize = if cfg!(feature = "shuttle") { 1 } else { 272 };
/// The last tallies are kept for secrets that were exposed.
const URGENT: usize = if cfg!(feature = "shuttle") { 0 } else { 16 * PAGE };
/// The secrets whose uses are counted between two drains.
pub(crate) const ROOM: usize = PAGE * PAGES - URGENT;
/// When this tally is begun, the book should be drained at once.
pub(crate) const CROWDED: usize = ROOM / 8;
/// The outcomes that a tally counts beside those that the threads' counters hold.
const ENDS: usize = if cfg!(feature = "shuttle") { 2 } else { 12 };
/// The exposures that others can read.
const EXPOSURES: [Exposure; 2] = [Exposure::Url, Exposure::Browser];
/// How often a thread looks again whether a tally is still locked.
const PATIENCE: u32 = 100;
/// No time at all.
const NEVER: i64 = i64::MIN;

/// Tallies in the order in which they were begun.
#[derive(Debug)]
pub(crate) struct Book {
    pages: Box<[OnceLock<Page>]>,
    /// How many tallies were begun since the book was last reset.
    begun: AtomicU32,
}

#[derive(Debug)]
struct Page {
    tallies: Box<[Tally]>,
    /// By the stripe of the thread: threads that count uses of the same secret do not write to the same memory.
    counters: [Box<[Counter]>; STRIPES],
}

/// The uses of one secret, but for those that the threads' counters hold.
#[derive(Debug)]
pub(crate) struct Tally {
    ends: [Counter; ENDS],
    /// When the secret was first exposed, in microseconds, for each of [`EXPOSURES`].
    exposed: [AtomicI64; EXPOSURES.len()],
    /// Locked for a few stores at a time; a request that finds it locked does not wait.
    pub(crate) slow: Mutex<Slow>,
}

/// What is written seldom.
#[derive(Debug, Default)]
pub(crate) struct Slow {
    /// None where no line names the tally.
    pub(crate) owner: Option<Owner>,
    pub(crate) last: Option<LastUse>,
    /// The origin of the first exposure of each kind.
    origins: [Option<Words<80>>; EXPOSURES.len()],
}

impl Default for Book {
    fn default() -> Self {
        Self { pages: (0..PAGES).map(|_| OnceLock::new()).collect(), begun: AtomicU32::new(0) }
    }
}

impl Book {
    /// Begins a tally, and returns its index. None where there is none left, but for those that are kept for urgent ones.
    pub(crate) fn begin(&self, urgent: bool) -> Option<usize> {
        let room = if urgent { ROOM + URGENT } else { ROOM };
        let next = |begun: u32| ((begun as usize) < room).then_some(begun + 1);
        self.begun.try_update(Ordering::AcqRel, Ordering::Acquire, next).ok().map(|at| at as usize)
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Acquire) as usize
    }

    /// Begins with the first tally again. All of them were taken.
    pub(crate) fn reset(&self) {
        self.begun.store(0, Ordering::Release);
    }

    pub(crate) fn tally(&self, at: usize) -> &Tally {
        &self.page(at).tallies[at % PAGE]
    }

    /// Counts one check that ended with `outcome`. Returns what the tally has no room for.
    pub(crate) fn count(&self, at: usize, outcome: usize) -> Option<Alike> {
        let page = self.page(at);
        let (outcome, count) = page.counters[stripe()][at % PAGE].count(outcome)?;
        page.tallies[at % PAGE].add(outcome, count)
    }

    /// Takes back one check that ended with `outcome`, if one is counted.
    pub(crate) fn take_one(&self, at: usize, outcome: usize) {
        let page = self.page(at);
        let counters = page.counters.iter().map(|stripe| &stripe[at % PAGE]);
        // One of them is enough.
        let _ = counters.chain(&page.tallies[at % PAGE].ends).any(|counter| counter.take_one(outcome));
    }

    /// Takes all that was counted in a tally. Nothing counts there meanwhile.
    pub(crate) fn take(&self, at: usize, owner: &Owner) -> Option<Used> {
        let (page, at) = (self.page(at), at % PAGE);
        let tally = &page.tallies[at];
        let mut slow = tally.slow.lock();
        let (last, origins) = (slow.last.take(), mem::take(&mut slow.origins));
        let all = page.counters.iter().map(|stripe| &stripe[at]).chain(&tally.ends);
        let counts = added_up(all.filter_map(Counter::take));
        let seen = tally.seen(owner, origins);
        let is_used = !counts.is_empty() || last.is_some() || !seen.is_empty();
        is_used.then_some(Used { key: owner.key, secret: Some(owner.secret), counts, last, seen })
    }

    fn page(&self, at: usize) -> &Page {
        self.pages[at / PAGE].get_or_init(Page::new)
    }
}

impl Page {
    fn new() -> Self {
        let counters = || (0..PAGE).map(|_| Counter::default()).collect();
        let tallies = (0..PAGE).map(|_| Tally::new()).collect();
        Self { tallies, counters: std::array::from_fn(|_| counters()) }
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            ends: Default::default(),
            exposed: std::array::from_fn(|_| AtomicI64::new(NEVER)),
            slow: Mutex::default(),
        }
    }

    /// Adds checks that ended alike. Returns them where there is no room for another kind of end.
    pub(crate) fn add(&self, outcome: usize, count: u32) -> Option<Alike> {
        let is_added = self.ends.iter().any(|counter| counter.add(outcome, count));
        (!is_added).then_some((outcome, count))
    }

    /// Notes the first exposure of each kind. Its origin is left out if other threads keep the tally locked for long.
    pub(crate) fn expose(&self, exposure: Exposure, origin: &[u8], now: Timestamp) {
        let Some(kind) = EXPOSURES.iter().position(|one| *one == exposure) else { return };
        let at = now.micros().max(NEVER + 1);
        if self.exposed[kind].compare_exchange(NEVER, at, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        let look = |_| {
            std::hint::spin_loop();
            self.slow.try_lock()
        };
        if let Some(mut slow) = (0..PATIENCE).find_map(look) {
            slow.origins[kind] = Some(Words::new(origin));
        }
    }

    fn seen(&self, owner: &Owner, origins: [Option<Words<80>>; EXPOSURES.len()]) -> Vec<Seen> {
        let kinds = EXPOSURES.into_iter().zip(&self.exposed).zip(origins);
        let seen = kinds.map(|((exposure, at), origin)| Seen {
            hint: owner.hint,
            exposure,
            origin: origin.unwrap_or_else(|| Words::new(b"")),
            at: Timestamp::from_micros(at.swap(NEVER, Ordering::AcqRel)),
        });
        seen.filter(|seen| seen.at.micros() != NEVER).collect()
    }
}

/// What was counted, each outcome once, in the order of their numbers.
fn added_up(counted: impl Iterator<Item = Alike>) -> Vec<(Outcome, u32)> {
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
