//! The callers of each key, recorded in memory during checks until a drain writes them to the store.
//!
//! Memory is bounded. A request never waits for a lock, and allocates nothing once a table exists.
//! Each workspace and each key has a share of the room (`call_table.rs`). Calls without room are
//! dropped, and counted as dropped.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use keyrack_key::{Exposure, Hint, KeyId, Timestamp, WorkspaceId};
use tokio::sync::Notify;

use crate::call_table::CallTable;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::{Outcome, SanitizedText};

/// The number of tables. A thread that finds a table locked takes the next.
const TABLES: usize = if cfg!(feature = "shuttle") { 2 } else { 8 };
/// The number of different callers in a table between two drains. An eighth of the table stays
/// free, so that it never grows.
const CALLERS_PER_TABLE: usize = if cfg!(feature = "shuttle") { 3 } else { 3_584 };
/// The number of callers in one table that requests a drain.
const DRAIN_AT: usize = CALLERS_PER_TABLE / 8;
/// The number of different callers in a backlog.
const BACKLOG_CALLERS: usize = 57_344;
/// One request with a known key, allowed or denied.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The workspace that the key belongs to.
    pub workspace: WorkspaceId,
    /// The id of the key of the request.
    pub key: KeyId,
    /// The hint of the secret that the request had.
    pub hint: Hint,
    /// The time of the request.
    pub at: Timestamp,
    /// The address of the client; `None` if it is unknown.
    pub address: Option<IpAddr>,
    /// The `Origin` header; empty if there was none.
    pub origin: &'a [u8],
    /// The `User-Agent` header; empty if there was none.
    pub agent: &'a [u8],
    /// Where others can read the secret of the request.
    pub exposure: Exposure,
    /// The required permission and the result of the check.
    pub outcome: Outcome,
}

/// Requests of one caller that had the same outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallGroup {
    /// The workspace that the key belongs to.
    pub workspace: WorkspaceId,
    /// The id of the key of the requests.
    pub key: KeyId,
    /// The hint of the secret that the requests had.
    pub hint: Hint,
    /// The address of the client; `None` if it is unknown.
    pub address: Option<IpAddr>,
    /// The origin of the page that sent the requests; empty if there was none.
    pub origin: SanitizedText<80>,
    /// The `User-Agent` header; empty if there was none.
    pub agent: SanitizedText<96>,
    /// Where others can read the secret of the requests.
    pub exposure: Exposure,
    /// The required permission and the result of the checks.
    pub outcome: Outcome,
    /// The time of the first request.
    pub first: Timestamp,
    /// The time of the last request.
    pub last: Timestamp,
    /// The number of requests.
    pub count: u32,
}

impl CallGroup {
    /// Creates a group with a single request.
    pub fn one(call: &Call<'_>) -> Self {
        Self {
            workspace: call.workspace,
            key: call.key,
            hint: call.hint,
            address: call.address,
            origin: SanitizedText::new(call.origin),
            agent: SanitizedText::new(call.agent),
            exposure: call.exposure,
            outcome: call.outcome,
            first: call.at,
            last: call.at,
            count: 1,
        }
    }

    /// Moves times that are later than `now` back to `now`: the clock of the machine
    /// that recorded them was ahead.
    pub fn clamp(&mut self, now: Timestamp) {
        self.last = self.last.min(now);
        self.first = self.first.min(self.last);
    }

    /// Returns `true` if both have the same caller and the same outcome.
    pub fn is_like(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    /// Adds the requests of another group with the same caller and outcome.
    pub fn add(&mut self, more: &Self) {
        self.count = self.count.saturating_add(more.count);
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
    }

    /// Returns the fields that distinguish one group from another.
    pub(crate) fn identity(&self) -> (KeyId, Hint, Option<IpAddr>, &str, &str, Exposure, Outcome) {
        let (origin, agent) = (self.origin.as_str(), self.agent.as_str());
        (self.key, self.hint, self.address, origin, agent, self.exposure, self.outcome)
    }
}

/// The recent callers of all keys.
///
/// # Examples
///
/// ```
/// use keyrack_key::{Exposure, Hint, KeyId, Timestamp, WorkspaceId};
/// use keyrack_rack::{Call, CallerLog, Outcome};
///
/// # let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
/// # let now = Timestamp::from_micros(0);
/// let callers = CallerLog::new();
/// let call = Call {
///     workspace: WorkspaceId::new(now, &mut rng),
///     key: KeyId::new(now, &mut rng),
///     hint: Hint::parse("9fQ2").unwrap(),
///     at: now,
///     address: None,
///     origin: b"",
///     agent: b"camera/3",
///     exposure: Exposure::None,
///     outcome: Outcome { permission: None, denied: None },
/// };
/// callers.record(&call);
/// callers.record(&call);
/// assert_eq!(callers.drain()[0].count, 2);
/// ```
#[derive(Debug, Default)]
pub struct CallerLog {
    tables: [OnceLock<Mutex<CallTable>>; TABLES],
    /// Seeded, so that no client can direct all its requests to one table.
    hasher: RandomState,
    dropped: AtomicU64,
    drain_requested: Arc<Notify>,
}

impl CallerLog {
    /// Creates an empty log. Tables are allocated on first use.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records one request. Allocates only when a table is used for the first time.
    pub fn record(&self, call: &Call<'_>) {
        let calls = CallGroup::one(call);
        let hash = self.hasher.hash_one(calls.identity());
        let first = usize::from(hash.to_le_bytes()[4]);
        // A table that another thread has locked is skipped. A table in which the share is used up is
        // not: the others are as full.
        let noted = (first..first + TABLES).find_map(|table| self.put(table % TABLES, hash, &calls));
        if noted != Some(true) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes all callers since the last drain; one caller may be in several groups. Takes time in proportion
    /// to their number, so call it on a thread that answers no requests.
    pub fn drain(&self) -> Vec<CallGroup> {
        let tables = self.tables.iter().filter_map(OnceLock::get);
        // Copies a whole table at once. A request that finds it locked meanwhile takes the next table.
        tables.flat_map(|table| table.lock().drain()).collect()
    }

    /// Returns a signal that is notified when the callers should be drained soon, because there are many.
    pub fn drain_requested(&self) -> Arc<Notify> {
        Arc::clone(&self.drain_requested)
    }

    /// Returns the number of requests that were not recorded for lack of room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Counts requests as dropped that were drained and then lost.
    pub fn count_lost(&self, calls: u64) {
        self.dropped.fetch_add(calls, Ordering::Relaxed);
    }

    /// Returns whether the calls found room in a table, or `None` if another thread has the table locked.
    fn put(&self, number: usize, hash: u64, calls: &CallGroup) -> Option<bool> {
        let table =
            self.tables[number].get_or_init(|| Mutex::new(CallTable::for_requests(CALLERS_PER_TABLE)));
        let mut table = table.try_lock()?;
        let is_put = table.put(hash, calls, &self.hasher);
        if table.len() == DRAIN_AT {
            self.drain_requested.notify_one();
        }
        Some(is_put)
    }
}

/// Callers that were drained and are not in the store yet. Requests of the same caller are added up. Each
/// workspace and each key has a share of the room.
#[derive(Debug)]
pub struct CallerBacklog {
    gathered: CallTable,
    hasher: RandomState,
    /// The callers of the current round, by descending key.
    due: Vec<CallGroup>,
}

impl Default for CallerBacklog {
    fn default() -> Self {
        Self {
            gathered: CallTable::growing(BACKLOG_CALLERS),
            hasher: RandomState::default(),
            due: Vec::new(),
        }
    }
}

impl CallerBacklog {
    /// Adds calls, and returns the number of requests that found no room.
    pub fn add(&mut self, calls: impl IntoIterator<Item = CallGroup>) -> u64 {
        let mut put =
            |one: &CallGroup| self.gathered.put(self.hasher.hash_one(one.identity()), one, &self.hasher);
        calls.into_iter().filter(|one| !put(one)).map(|one| u64::from(one.count)).sum()
    }

    /// Takes up to `most` callers, in rounds as [`UsageBacklog::take`](crate::UsageBacklog::take) does.
    pub fn take(&mut self, most: usize) -> Vec<CallGroup> {
        if self.due.is_empty() && self.gathered.len() > 0 {
            // A new table releases the memory that a crowd needed.
            self.due = std::mem::replace(&mut self.gathered, CallTable::growing(BACKLOG_CALLERS)).drain();
            self.due.sort_unstable_by_key(|calls| std::cmp::Reverse(calls.key));
        }
        let mut taken = self.due.split_off(self.due.len().saturating_sub(most));
        taken.reverse();
        if self.due.is_empty() {
            self.due = Vec::new();
        }
        taken
    }

    /// Returns `true` if no callers wait.
    pub fn is_empty(&self) -> bool {
        self.gathered.len() == 0 && self.due.is_empty()
    }

    /// Returns the number of requests that wait.
    pub fn calls(&self) -> u64 {
        self.gathered.iter().chain(&self.due).map(|calls| u64::from(calls.count)).sum()
    }
}
