//! The meters of a key's visitors, for the rate limit for each visitor.
//!
//! Each key with such a limit has a table of its own, which never grows. All tables together have room
//! for a million visitors (18 MiB). Each workspace has a share of the room: as much as is still free,
//! and up to 4,096 visitors for a key. A key gets a smaller table if less is left, and one for 64
//! visitors in any case. Visitors of one key therefore never affect those of another, and a workspace
//! with many keys leaves room for others.
//!
//! A table consists of buckets with eight entries. If a bucket is full, a new visitor takes the entry with
//! the earliest due time *and its due time*. If that entry has recovered, nothing is lost. Otherwise no
//! visitor gains anything by being evicted, because a returning visitor has at least the due time that it
//! had before (Metwally et al. 2005, "Efficient computation of frequent and top-k elements", count in this
//! way). A client with many addresses can send what each address may send, and no more. With thousands of
//! addresses that have all used up their limit, it can only make new visitors wait; the rate limit of the
//! key protects against that.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use keyrack_key::{Denial, Rate, RateStatus, Timestamp, WorkspaceId};

use crate::earlier::UsageMeter;
use crate::sync::Mutex;

/// The number of entries in a bucket.
const WAYS: usize = if cfg!(feature = "shuttle") { 2 } else { 8 };
/// The number of visitors in the largest and in the smallest table.
const LARGEST: usize = if cfg!(feature = "shuttle") { 2 } else { 4_096 };
const SMALLEST: usize = if cfg!(feature = "shuttle") { 2 } else { 64 };
/// The number of visitors in all tables, except the smallest ones.
const ROOM: usize = 1 << 20;

/// The visitor with an unknown address. No network has this number.
const UNKNOWN: u64 = u64::MAX;

/// Creates the tables of all keys. A table is created when a key gets a rate limit for each visitor, never
/// during a check. It is dropped with its last request, or when its rate limit was replaced and has
/// recovered. Until then, tables of earlier rate limits count toward the workspace's share.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    shares: Arc<Mutex<Shares>>,
    /// Seeded, so that no client can choose which visitors share a bucket.
    hasher: RandomState,
}

/// How much of the room is used.
#[derive(Debug, Default)]
struct Shares {
    taken: usize,
    by: HashMap<WorkspaceId, usize>,
}

/// The meters of one key's visitors.
#[derive(Clone, Debug)]
pub(crate) struct VisitorMeters {
    table: Arc<VisitorTable>,
    hasher: RandomState,
}

#[derive(Debug)]
struct VisitorTable {
    /// The length is a power of two.
    buckets: Box<[Mutex<[VisitorEntry; WAYS]>]>,
    workspace: WorkspaceId,
    shares: Arc<Mutex<Shares>>,
}

/// The due time of one visitor.
#[derive(Clone, Copy, Debug, Default)]
struct VisitorEntry {
    visitor: u64,
    /// The due time, as in [`Rate::take`].
    due: u64,
}

impl Visitors {
    /// Creates the meters of one more key of a workspace, with nothing used.
    pub(crate) fn meters(&self, workspace: WorkspaceId) -> VisitorMeters {
        let visitors = self.shares.lock().take(workspace);
        let buckets = (0..visitors / WAYS).map(|_| Mutex::default()).collect();
        let table = VisitorTable { buckets, workspace, shares: Arc::clone(&self.shares) };
        VisitorMeters { table: Arc::new(table), hasher: self.hasher.clone() }
    }
}

impl Shares {
    /// Reserves the room for a table, and returns its number of visitors. A workspace gets at most as much as
    /// is free afterwards (as in `call_table.rs`).
    fn take(&mut self, workspace: WorkspaceId) -> usize {
        let own = self.by.entry(workspace).or_default();
        let fits = |size: &usize| *own + size <= ROOM.saturating_sub(self.taken + size);
        let sizes =
            std::iter::successors(Some(LARGEST), |size| Some(size / 2).filter(|half| *half > SMALLEST));
        let size = sizes.into_iter().find(fits).unwrap_or(SMALLEST);
        *own += size;
        self.taken += size;
        size
    }

    fn give_back(&mut self, workspace: WorkspaceId, size: usize) {
        self.taken -= size;
        let own = self.by.entry(workspace).or_default();
        *own -= size;
        if *own == 0 {
            self.by.remove(&workspace);
        }
    }
}

impl Drop for VisitorTable {
    fn drop(&mut self) {
        self.shares.lock().give_back(self.workspace, self.buckets.len() * WAYS);
    }
}

impl VisitorMeters {
    /// Checks a request of a visitor, and takes it if `spends` is `true`. Locks one bucket, while the
    /// eight entries are compared.
    pub(crate) fn ask(
        &self,
        rate: Rate,
        address: Option<IpAddr>,
        now: Timestamp,
        spends: bool,
    ) -> Result<RateStatus, Denial> {
        let visitor = visitor(address);
        let mut bucket = self.bucket(visitor).lock();
        let entry = entry(&mut bucket, visitor);
        // Stored too: otherwise each request would correct the due time again, and
        // it would never come closer.
        entry.due = rate.settle(entry.due, now);
        let next = rate.take(entry.due, now).map_err(|denial| match denial {
            Denial::Rate { rate, wait } => Denial::VisitorRate { rate, wait },
            other => other,
        })?;
        if !spends {
            return Ok(rate.status(entry.due, now));
        }
        *entry = VisitorEntry { visitor, due: next };
        Ok(rate.status(next, now))
    }

    /// Takes back an allowed request of a visitor.
    pub(crate) fn give_back(&self, rate: Rate, address: Option<IpAddr>) {
        let visitor = visitor(address);
        let mut bucket = self.bucket(visitor).lock();
        let entry = entry(&mut bucket, visitor);
        if entry.visitor == visitor {
            entry.due = rate.give_back(entry.due);
        }
    }

    fn bucket(&self, visitor: u64) -> &Mutex<[VisitorEntry; WAYS]> {
        &self.table.buckets[self.number(visitor)]
    }

    fn number(&self, visitor: u64) -> usize {
        let hash = self.hasher.hash_one(visitor);
        usize::try_from(hash % self.table.buckets.len() as u64).unwrap_or(0)
    }

    /// Raises the due time of a visitor, possibly a new one, to `due`.
    fn raise_one(&self, visitor: u64, due: u64) {
        let mut bucket = self.bucket(visitor).lock();
        let entry = entry(&mut bucket, visitor);
        // If all entries of the bucket are that late, a new visitor is too.
        if entry.visitor == visitor || entry.due < due {
            *entry = VisitorEntry { visitor, due: entry.due.max(due) };
        }
    }

    /// Raises the due times of all entries in bucket `number`, and of new visitors there, to `due`.
    fn raise_all(&self, number: usize, due: u64) {
        let mut bucket = self.table.buckets[number].lock();
        bucket.iter_mut().for_each(|entry| entry.due = entry.due.max(due));
    }
}

impl UsageMeter for VisitorMeters {
    /// The two tables may differ in size. Both sizes are powers of two, so that the visitors of one bucket of
    /// the larger table share one bucket of the smaller table.
    fn raise(&self, rate: Rate, earlier: &Self, was: Rate, now: Timestamp) {
        let (own, others) = (self.table.buckets.len(), earlier.table.buckets.len());
        for number in 0..own.max(others) {
            let bucket = *earlier.table.buckets[number % others].lock();
            let carried = bucket.map(|entry| VisitorEntry { due: rate.carry(entry.due, was, now), ..entry });
            // An evicted visitor has the earliest due time of its full bucket.
            let least = carried.iter().map(|entry| entry.due).min().unwrap_or_default();
            self.raise_all(number % own, least);
            let counts = |entry: &&VisitorEntry| {
                entry.due > least && number < others && earlier.number(entry.visitor) == number
            };
            carried.iter().filter(counts).for_each(|entry| self.raise_one(entry.visitor, entry.due));
        }
    }

    fn counts(&self, rate: Rate, now: Timestamp) -> bool {
        let counts = |entry: &VisitorEntry| rate.status(entry.due, now).full_in_seconds > 0;
        self.table.buckets.iter().any(|bucket| bucket.lock().iter().any(counts))
    }
}

/// Returns the visitor's entry, or the one that a new visitor takes.
fn entry(bucket: &mut [VisitorEntry; WAYS], visitor: u64) -> &mut VisitorEntry {
    let own = bucket.iter().position(|entry| entry.visitor == visitor);
    let least = || (0..WAYS).min_by_key(|at| bucket[*at].due).unwrap_or(0);
    let at = own.unwrap_or_else(least);
    &mut bucket[at]
}

/// Returns the number of the visitor: an IPv4 address, or an IPv6 network of 64 bits, which is the smallest
/// that providers assign (RFC 6177). A mapped IPv4 address counts as IPv4. All requests with an unknown
/// address belong to one visitor.
fn visitor(address: Option<IpAddr>) -> u64 {
    match address.map(|address| address.to_canonical()) {
        None => UNKNOWN,
        // Differs from every IPv6 network, since those start at `2000::`.
        Some(IpAddr::V4(address)) => (1 << 32) | u64::from(address.to_bits()),
        Some(IpAddr::V6(address)) => u64::try_from(address.to_bits() >> 64).unwrap_or(UNKNOWN),
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests;
