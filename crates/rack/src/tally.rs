//! Counts the usage of secrets in memory until a drain writes it to the store.
//!
//! A tally counts the checks of one secret; a book holds tallies. Of two books, checks use the current one. A
//! drain makes the other book current, waits until no check uses the first book any more, and reads that from
//! its first tally to its last. A drain therefore costs as much as was used since the previous drain, since a
//! secret without checks has no tally. No check waits for a drain, because the two never use the same book.

use std::sync::Arc;

use keyrack_key::{Exposure, Timestamp};
use tokio::sync::Notify;

use crate::LastUse;
use crate::book::{DRAIN_AT, Owner, TallyBook};
use crate::entry_location::EntryLocation;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::usage::SecretUsage;

/// The index of a tally and of its book, as an entry stores it. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TallyId(u32);

/// All tallies. The caller of every method except [`drain`](Self::drain) holds a read lock on the shard of
/// the secret, so that the entry cannot move and a drain waits for the caller.
#[derive(Debug)]
pub(crate) struct Tallies {
    books: [TallyBook; 2],
    /// The index of the current book.
    current: AtomicU32,
    dropped: AtomicU64,
    /// Notified when a book is one eighth full, because the drain should not wait until its next turn.
    drain_requested: Arc<Notify>,
    /// Held during a drain. A second drain would make a book current that the first one still reads.
    draining: Mutex<()>,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            books: [TallyBook::default(), TallyBook::default()],
            current: AtomicU32::new(0),
            dropped: AtomicU64::new(0),
            drain_requested: Arc::default(),
            draining: Mutex::default(),
        }
    }
}

impl Tallies {
    /// Counts a check of the secret of `owner` with `outcome`. `named` is the field of the entry that refers
    /// to its tally. Allocates once for some hundred secrets of a book, when so many are in use for the first
    /// time. A check for which no tally is left is counted as dropped.
    pub(crate) fn count(&self, name: &AtomicU32, owner: &Owner, outcome: usize) {
        let book = self.book();
        let counted = self.tally(name, owner, book).map(|id| (id, self.books[book].count(id.at(), outcome)));
        match counted {
            Some((_, None)) => {}
            // The tally has no room for another outcome. The secret gets a second tally.
            Some((id, Some((outcome, count)))) => match self.start(name, Some(id), owner, book, false) {
                Some(next) => self.add(next, book, outcome, count),
                None => self.drop_checks(count),
            },
            None => self.drop_checks(1),
        }
    }

    /// Records `used` as the last use, unless another thread records one at this moment.
    pub(crate) fn note(&self, name: &AtomicU32, owner: &Owner, used: LastUse) {
        let book = self.book();
        if let Some(id) = self.tally(name, owner, book)
            && let Some(mut rare) = self.books[book].tally(id.at()).rare.try_lock()
        {
            rare.last = Some(used);
        }
    }

    /// Records that the secret of `owner` was exposed. Uses the reserved tallies if necessary, so that
    /// exposures are recorded when usage has used up the others.
    pub(crate) fn expose(
        &self,
        name: &AtomicU32,
        owner: &Owner,
        exposure: Exposure,
        origin: &[u8],
        now: Timestamp,
    ) {
        let book = self.book();
        let own = known(name, book).or_else(|| self.start(name, None, owner, book, true));
        if let Some(id) = own {
            self.books[book].tally(id.at()).expose(exposure, origin, now);
        }
    }

    /// Counts a check as `to` that was counted as `from`. It stays counted as both
    /// if a drain came in between.
    pub(crate) fn recount(&self, name: &AtomicU32, owner: &Owner, from: usize, to: usize) {
        let book = self.book();
        if let Some(id) = known(name, book) {
            self.books[book].take_one(id.at(), from);
        }
        self.count(name, owner, to);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Returns a signal that is notified when a drain should come soon, because many secrets are in use.
    pub(crate) fn drain_requested(&self) -> Arc<Notify> {
        Arc::clone(&self.drain_requested)
    }

    /// Takes the usage since the last drain, tally by tally. `settle` returns when no check that
    /// started before is still running. `forget` removes the tally from the entry at a location, unless
    /// that has another tally by then.
    pub(crate) fn drain(
        &self,
        settle: impl FnOnce(),
        forget: impl Fn(EntryLocation, TallyId),
    ) -> Vec<SecretUsage> {
        let _alone = self.draining.lock();
        let book = self.book();
        self.current.store(u32::from(book == 0), Ordering::Release);
        settle();
        let read = &self.books[book];
        let mut drained = Vec::new();
        for at in 0..read.started() {
            let Some(owner) = read.tally(at).rare.lock().owner.take() else { continue };
            forget(owner.location, TallyId::new(at, book));
            drained.extend(read.take(at, &owner));
        }
        read.reset();
        drained
    }

    fn book(&self) -> usize {
        self.current.load(Ordering::Acquire) as usize
    }

    fn tally(&self, name: &AtomicU32, owner: &Owner, book: usize) -> Option<TallyId> {
        known(name, book).or_else(|| self.start(name, None, owner, book, false))
    }

    /// Gives the secret a new tally in this book, in place of `full` if given. If another thread was faster,
    /// returns the tally of that thread. An `urgent` tally may be one of the reserved ones.
    fn start(
        &self,
        name: &AtomicU32,
        full: Option<TallyId>,
        owner: &Owner,
        book: usize,
        urgent: bool,
    ) -> Option<TallyId> {
        let other = |name: u32| TallyId::of(name).filter(|id| id.book() == book && Some(*id) != full);
        let mut seen = name.load(Ordering::Acquire);
        if let Some(other) = other(seen) {
            return Some(other);
        }
        let at = self.books[book].start(urgent)?;
        if at == DRAIN_AT {
            self.drain_requested.notify_one();
        }
        let own = TallyId::new(at, book);
        self.books[book].tally(at).rare.lock().owner = Some(*owner);
        // Meanwhile a drain may have removed a tally of the other book from the entry: try again.
        while let Err(now) = name.compare_exchange(seen, own.0, Ordering::AcqRel, Ordering::Acquire) {
            if let Some(other) = other(now) {
                // No entry refers to this tally, so nothing is counted in it before the next reset.
                self.books[book].tally(at).rare.lock().owner = None;
                return Some(other);
            }
            seen = now;
        }
        Some(own)
    }

    fn add(&self, id: TallyId, book: usize, outcome: usize, count: u32) {
        if self.books[book].tally(id.at()).add(outcome, count).is_some() {
            self.drop_checks(count);
        }
    }

    fn drop_checks(&self, count: u32) {
        self.dropped.fetch_add(count.into(), Ordering::Relaxed);
    }
}

/// Returns the tally of an entry, if it is in this book.
fn known(name: &AtomicU32, book: usize) -> Option<TallyId> {
    TallyId::of(name.load(Ordering::Acquire)).filter(|id| id.book() == book)
}

impl TallyId {
    fn new(at: usize, book: usize) -> Self {
        Self(u32::try_from((at << 1) | book).unwrap_or(u32::MAX - 1) + 1)
    }

    /// Reads the field of an entry. Returns `None` if the entry has no tally.
    fn of(name: u32) -> Option<Self> {
        (name != 0).then_some(Self(name))
    }

    /// Returns the value for the field of an entry.
    pub(crate) const fn name(self) -> u32 {
        self.0
    }

    const fn book(self) -> usize {
        ((self.0 - 1) & 1) as usize
    }

    /// Returns the index of the tally in its book.
    const fn at(self) -> usize {
        ((self.0 - 1) >> 1) as usize
    }
}
