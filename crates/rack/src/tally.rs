//! Counts in memory what secrets are used for, until somebody drains the counts to write them down.
//!
//! There are two books of tallies. Checks count in the current one. A drain makes the other book current, waits until no
//! check counts in the first any more, and reads that from its first tally to its last. A drain therefore costs what was
//! used since the drain before: a secret that is idle has no tally. No check waits for a drain, since the two never work
//! in the same book.

use std::sync::Arc;

use keyrack_key::{Digest, Exposure, Hint, KeyId, Timestamp};
use tokio::sync::Notify;

use crate::book::{Book, CROWDED};
use crate::shard::Place;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::used::Used;
use crate::{LastUse, Words};

/// The number of a tally and of the book that it is in, as a line keeps it: never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TallyId(u32);

/// Whose uses a tally counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) key: KeyId,
    pub(crate) secret: Digest,
    pub(crate) hint: Hint,
    /// Where the line of the secret is.
    pub(crate) place: Place,
}

/// All tallies. Every method but [`drain`](Self::drain) is called while the shard of the secret is locked for reading: the
/// line stays where it is meanwhile, and a drain waits for it.
#[derive(Debug)]
pub(crate) struct Tallies {
    books: [Book; 2],
    /// The index of the current book.
    current: AtomicU32,
    dropped: AtomicU64,
    /// Notified when a book is an eighth full: a drain should not wait for its next turn.
    crowded: Arc<Notify>,
    /// Held by a drain: two at a time would make a book current that the other still reads.
    draining: Mutex<()>,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            books: [Book::default(), Book::default()],
            current: AtomicU32::new(0),
            dropped: AtomicU64::new(0),
            crowded: Arc::default(),
            draining: Mutex::default(),
        }
    }
}

impl Tallies {
    /// Counts a check of the secret of `owner` that ended with `outcome`. `named` is where the line of the secret names its
    /// tally. Allocates once for some hundred secrets of a book, the first time that so many are in use. A check that finds
    /// no tally is counted as dropped.
    pub(crate) fn count(&self, named: &AtomicU32, owner: &Owner, outcome: usize) {
        let book = self.book();
        let counted = self.tally(named, owner, book).map(|id| (id, self.books[book].count(id.at(), outcome)));
        match counted {
            Some((_, None)) => {}
            // The tally has no room for another kind of outcome. The secret goes on with a second tally.
            Some((id, Some((outcome, count)))) => match self.begin(named, Some(id), owner, book, false) {
                Some(next) => self.put(next, book, outcome, count),
                None => self.drop_checks(count),
            },
            None => self.drop_checks(1),
        }
    }

    /// Keeps `used` as the last use, unless another thread keeps one at this moment.
    pub(crate) fn note(&self, named: &AtomicU32, owner: &Owner, used: LastUse) {
        let book = self.book();
        if let Some(id) = self.tally(named, owner, book)
            && let Some(mut slow) = self.books[book].tally(id.at()).slow.try_lock()
        {
            slow.last = Some(used);
        }
    }

    /// Notes that the secret of `owner` was exposed. There are tallies that are kept free for this: it is not lost when
    /// others use up the rest.
    pub(crate) fn expose(
        &self,
        named: &AtomicU32,
        owner: &Owner,
        exposure: Exposure,
        origin: &[u8],
        now: Timestamp,
    ) {
        let book = self.book();
        let own = known(named, book).or_else(|| self.begin(named, None, owner, book, true));
        if let Some(id) = own {
            self.books[book].tally(id.at()).expose(exposure, origin, now);
        }
    }

    /// Counts a check as `to` that was counted as `from`. One that was drained in between stays counted as both.
    pub(crate) fn recount(&self, named: &AtomicU32, owner: &Owner, from: usize, to: usize) {
        let book = self.book();
        if let Some(id) = known(named, book) {
            self.books[book].take_one(id.at(), from);
        }
        self.count(named, owner, to);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Is notified when so many secrets are in use that a drain should not wait.
    pub(crate) fn crowded(&self) -> Arc<Notify> {
        Arc::clone(&self.crowded)
    }

    /// What was counted since the last drain, tally by tally. `settle` returns when no check that began before still runs;
    /// `forget` takes a tally's name off the line at a place, unless the line has another name by then.
    pub(crate) fn drain(&self, settle: impl FnOnce(), forget: impl Fn(Place, TallyId)) -> Vec<Used> {
        let _alone = self.draining.lock();
        let book = self.book();
        self.current.store(u32::from(book == 0), Ordering::Release);
        settle();
        let read = &self.books[book];
        let mut drained = Vec::new();
        for at in 0..read.begun() {
            let Some(owner) = read.tally(at).slow.lock().owner.take() else { continue };
            forget(owner.place, TallyId::new(at, book));
            drained.extend(read.take(at, &owner));
        }
        read.reset();
        drained
    }

    fn book(&self) -> usize {
        self.current.load(Ordering::Acquire) as usize
    }

    fn tally(&self, named: &AtomicU32, owner: &Owner, book: usize) -> Option<TallyId> {
        known(named, book).or_else(|| self.begin(named, None, owner, book, false))
    }

    /// Gives the secret a tally in place of `full`, or of none in this book. A thread that is overtaken takes the tally of the
    /// other thread. A tally that is `urgent` may be one of the last.
    fn begin(
        &self,
        named: &AtomicU32,
        full: Option<TallyId>,
        owner: &Owner,
        book: usize,
        urgent: bool,
    ) -> Option<TallyId> {
        let other = |name: u32| TallyId::of(name).filter(|id| id.book() == book && Some(*id) != full);
        let mut seen = named.load(Ordering::Acquire);
        if let Some(other) = other(seen) {
            return Some(other);
        }
        let at = self.books[book].begin(urgent)?;
        if at == CROWDED {
            self.crowded.notify_one();
        }
        let own = TallyId::new(at, book);
        self.books[book].tally(at).slow.lock().owner = Some(*owner);
        // A drain may take the name of a tally in the other book off the line meanwhile: then this looks again.
        while let Err(now) = named.compare_exchange(seen, own.0, Ordering::AcqRel, Ordering::Acquire) {
            if let Some(other) = other(now) {
                // No line names the own one, so nothing is counted there before it is reset.
                self.books[book].tally(at).slow.lock().owner = None;
                return Some(other);
            }
            seen = now;
        }
        Some(own)
    }

    fn put(&self, id: TallyId, book: usize, outcome: usize, count: u32) {
        if self.books[book].tally(id.at()).add(outcome, count).is_some() {
            self.drop_checks(count);
        }
    }

    fn drop_checks(&self, count: u32) {
        self.dropped.fetch_add(count.into(), Ordering::Relaxed);
    }
}

/// The tally that a line names, if it is in this book.
fn known(named: &AtomicU32, book: usize) -> Option<TallyId> {
    TallyId::of(named.load(Ordering::Acquire)).filter(|id| id.book() == book)
}

impl TallyId {
    fn new(at: usize, book: usize) -> Self {
        Self(u32::try_from((at << 1) | book).unwrap_or(u32::MAX - 1) + 1)
    }

    /// What a line names. None where it names nothing.
    fn of(name: u32) -> Option<Self> {
        (name != 0).then_some(Self(name))
    }

    /// As a line names it.
    pub(crate) const fn name(self) -> u32 {
        self.0
    }

    const fn book(self) -> usize {
        ((self.0 - 1) & 1) as usize
    }

    /// Its index in its book.
    const fn at(self) -> usize {
        ((self.0 - 1) >> 1) as usize
    }
}

/// Where a secret was exposed between two drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which secret of its key.
    pub hint: Hint,
    /// How others can read it.
    pub exposure: Exposure,
    /// The origin of the page that called; empty where it named none.
    pub origin: Words<80>,
    /// When it was first exposed so since the drain before.
    pub at: Timestamp,
}
