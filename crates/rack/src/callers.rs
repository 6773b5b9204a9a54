//! Who calls with which secret: noted beside the decision, in memory, until somebody writes it down.
//!
//! Bounded, and never in the way of a request: no allocation once a shelf is there, and no lock that is waited for. Each
//! workspace and each key has a share of the room (`shelf.rs`). What finds no room is not noted, and that is counted.

use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use keyrack_key::{Exposure, Hint, KeyId, Timestamp, WorkspaceId};
use tokio::sync::Notify;

use crate::Outcome;
use crate::shelf::Shelf;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Shelves; whoever finds one in use takes the next.
const SHELVES: usize = if cfg!(feature = "shuttle") { 2 } else { 8 };
/// Different calls on a shelf between two drains. An eighth of the table stays free, so that it never grows.
const ROOM: usize = if cfg!(feature = "shuttle") { 3 } else { 3_584 };
/// With so many calls on one shelf, all should be drained at once.
const CROWDED: usize = ROOM / 8;
/// Different calls that wait in a backlog.
const BACKLOG: usize = 57_344;
/// So many letters and digits in a row could be a secret.
const SECRETIVE: usize = 32;

/// What a client wrote, cut off behind `MOST` bytes: printable ASCII, and nothing in it that could be a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Words<const MOST: usize> {
    bytes: [u8; MOST],
    length: u8,
}

impl<const MOST: usize> Words<MOST> {
    /// Keeps of `text` what may be kept. People put keys into every header there is: a run of letters and digits that is
    /// as long as a secret's becomes `~`.
    pub fn new(text: &[u8]) -> Self {
        const { assert!(MOST <= 255) };
        let (mut bytes, mut length, mut run) = ([0; MOST], 0, 0);
        for byte in text.iter().copied().filter(|byte| matches!(byte, b' '..=b'~')) {
            if length == MOST {
                break;
            }
            run = if byte.is_ascii_alphanumeric() { run + 1 } else { 0 };
            if run > SECRETIVE {
                continue;
            }
            bytes[length] = byte;
            length += 1;
            if run == SECRETIVE {
                length -= SECRETIVE;
                bytes[length..length + SECRETIVE].fill(0);
                bytes[length] = b'~';
                length += 1;
            }
        }
        // A run that was cut off at the end could be the beginning of one.
        if length == MOST && run > 0 && run < SECRETIVE && text.len() > MOST {
            length -= run;
            bytes[length..].fill(0);
        }
        Self { bytes, length: u8::try_from(length).unwrap_or(u8::MAX) }
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl<const MOST: usize> fmt::Debug for Words<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// One request with a key that is known, however it ended.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The workspace of the key.
    pub workspace: WorkspaceId,
    /// The key.
    pub key: KeyId,
    /// Which of its secrets.
    pub hint: Hint,
    /// When.
    pub at: Timestamp,
    /// From where, if known.
    pub address: Option<IpAddr>,
    /// The `Origin` header; empty where there was none.
    pub origin: &'a [u8],
    /// The `User-Agent` header; empty where there was none.
    pub agent: &'a [u8],
    /// Where others can read the secret that it carried.
    pub exposure: Exposure,
    /// What was asked for, and how it ended.
    pub outcome: Outcome,
}

/// Calls of one caller that ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// The workspace of the key.
    pub workspace: WorkspaceId,
    /// The key.
    pub key: KeyId,
    /// Which of its secrets.
    pub hint: Hint,
    /// From where, if known.
    pub address: Option<IpAddr>,
    /// The origin of the page that called; empty where none did.
    pub origin: Words<80>,
    /// The program, as it called itself.
    pub agent: Words<96>,
    /// Where others can read the secret that they carried.
    pub exposure: Exposure,
    /// What was asked for, and how it ended.
    pub outcome: Outcome,
    /// When the first of them came.
    pub first: Timestamp,
    /// When the last of them came.
    pub last: Timestamp,
    /// How many they are.
    pub number: u32,
}

impl Calls {
    /// The one call that was made.
    pub fn one(call: &Call<'_>) -> Self {
        Self {
            workspace: call.workspace,
            key: call.key,
            hint: call.hint,
            address: call.address,
            origin: Words::new(call.origin),
            agent: Words::new(call.agent),
            exposure: call.exposure,
            outcome: call.outcome,
            first: call.at,
            last: call.at,
            number: 1,
        }
    }

    /// Brings times that a clock elsewhere has set ahead of `now` back to it.
    pub fn clamp(&mut self, now: Timestamp) {
        self.last = self.last.min(now);
        self.first = self.first.min(self.last);
    }

    /// Whether both are of one caller, and ended alike.
    pub fn is_like(&self, other: &Self) -> bool {
        self.who() == other.who()
    }

    /// Counts `more` of the same.
    pub fn add(&mut self, more: &Self) {
        self.number = self.number.saturating_add(more.number);
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
    }

    /// What tells one caller, and one end of their calls, from another.
    pub(crate) fn who(&self) -> (KeyId, Hint, Option<IpAddr>, &str, &str, Exposure, Outcome) {
        let (origin, agent) = (self.origin.as_str(), self.agent.as_str());
        (self.key, self.hint, self.address, origin, agent, self.exposure, self.outcome)
    }
}

/// Who called lately.
#[derive(Debug, Default)]
pub struct Callers {
    shelves: [OnceLock<Mutex<Shelf>>; SHELVES],
    /// Seeded: nobody can send everything to one shelf.
    hasher: RandomState,
    dropped: AtomicU64,
    crowded: Arc<Notify>,
}

impl Callers {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes one call. Allocates once for each of the few shelves.
    pub fn note(&self, call: &Call<'_>) {
        let calls = Calls::one(call);
        let hash = self.hasher.hash_one(calls.who());
        let first = usize::from(hash.to_le_bytes()[4]);
        // A shelf that another thread works on is passed over. One on which the share is used up is not: the others are as full.
        let noted = (first..first + SHELVES).find_map(|shelf| self.put(shelf % SHELVES, hash, &calls));
        if noted != Some(true) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Who called since the last time, maybe in several parts. It takes as long as they are many: it is not for a thread that
    /// answers requests.
    pub fn drain(&self) -> Vec<Calls> {
        let shelves = self.shelves.iter().filter_map(OnceLock::get);
        // What is on a shelf is copied at once: a request that finds it locked meanwhile takes the next.
        shelves.flat_map(|shelf| shelf.lock().drain()).collect()
    }

    /// Is notified when callers should be drained before long, because there are many.
    pub fn crowded(&self) -> Arc<Notify> {
        Arc::clone(&self.crowded)
    }

    /// How many calls were not noted because there was no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Counts calls that were drained and then lost.
    pub fn lose(&self, calls: u64) {
        self.dropped.fetch_add(calls, Ordering::Relaxed);
    }

    /// Whether the calls have found room on a shelf. None where another thread works on it.
    fn put(&self, number: usize, hash: u64, calls: &Calls) -> Option<bool> {
        let held = self.shelves[number].get_or_init(|| Mutex::new(Shelf::for_requests(ROOM)));
        let mut held = held.try_lock()?;
        let is_put = held.put(hash, calls, &self.hasher);
        if held.len() == CROWDED {
            self.crowded.notify_one();
        }
        Some(is_put)
    }
}

/// Callers that were drained and are not written down yet. Those of one caller are added up; each workspace and each key has
/// a share of the room.
#[derive(Debug)]
pub struct CallerBacklog {
    gathered: Shelf,
    hasher: RandomState,
    /// What was gathered when it was last empty, by descending key.
    due: Vec<Calls>,
}

impl Default for CallerBacklog {
    fn default() -> Self {
        Self { gathered: Shelf::growing(BACKLOG), hasher: RandomState::default(), due: Vec::new() }
    }
}

impl CallerBacklog {
    /// Adds calls, and returns how many found no room.
    pub fn add(&mut self, calls: impl IntoIterator<Item = Calls>) -> u64 {
        let mut put = |one: &Calls| self.gathered.put(self.hasher.hash_one(one.who()), one, &self.hasher);
        calls.into_iter().filter(|one| !put(one)).map(|one| u64::from(one.number)).sum()
    }

    /// Takes the calls of up to `most` callers, in rounds as [`UseBacklog::take`](crate::UseBacklog::take).
    pub fn take(&mut self, most: usize) -> Vec<Calls> {
        if self.due.is_empty() && self.gathered.len() > 0 {
            // The memory of a crowd is given back.
            self.due = std::mem::replace(&mut self.gathered, Shelf::growing(BACKLOG)).drain();
            self.due.sort_unstable_by_key(|calls| std::cmp::Reverse(calls.key));
        }
        let mut taken = self.due.split_off(self.due.len().saturating_sub(most));
        taken.reverse();
        if self.due.is_empty() {
            self.due = Vec::new();
        }
        taken
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.gathered.len() == 0 && self.due.is_empty()
    }

    /// How many calls wait.
    pub fn calls(&self) -> u64 {
        self.gathered.iter().chain(&self.due).map(|calls| u64::from(calls.number)).sum()
    }
}
