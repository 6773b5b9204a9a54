//! Meters of visitors: where each of those who use a key from somewhere else stands with the key's rate per visitor.
//!
//! Each key with such a rate has a table of its own, in buckets of eight, which never grows. All tables together have room for
//! a million visitors (18 MiB), of which each workspace has a share: as much as is still free, and 4,096 visitors a key. A key
//! for which less is left gets a smaller table, and always one for 64 visitors. So no key's visitors are touched by those of
//! another, and a workspace with many keys leaves others room.
//!
//! A bucket that is full gives a newcomer the place of the visitor who owes least, *and what that one owes*. Whoever owes
//! nothing is forgotten that way without a difference; and of those who do, none is let through sooner for having been
//! forgotten, since whoever comes back owes at least as much as when they went (Metwally et al. 2005, "Efficient
//! computation of frequent and top-k elements", keep counts so). So whoever has many addresses buys with them what each of
//! them may send, and nothing more: no meter, theirs or anybody's, is ever set back. What they can do with thousands of
//! addresses that all have used up their share is make newcomers wait. Against that a key has its own rate.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use keyrack_key::{Allowance, Denial, Rate, Timestamp, WorkspaceId};

use crate::earlier::Count;
use crate::sync::Mutex;

/// The visitors of a bucket.
const WAYS: usize = if cfg!(feature = "shuttle") { 2 } else { 8 };
/// The visitors of the largest table, and of the smallest.
const LARGEST: usize = if cfg!(feature = "shuttle") { 2 } else { 4_096 };
const SMALLEST: usize = if cfg!(feature = "shuttle") { 2 } else { 64 };
/// The visitors of all tables that are not the smallest.
const ROOM: usize = 1 << 20;

/// Nobody in particular: no request comes from such a network.
const UNKNOWN: u64 = u64::MAX;

/// The tables of all keys. A table is made when a key gets a rate per visitor, never while one is asked. It is dropped with the
/// last request that asks it, or once its rate was replaced and has recovered. Until then, the tables of earlier rates take
/// their part of the workspace's share.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    shares: Arc<Mutex<Shares>>,
    /// Seeded: who shares a bucket with whom cannot be steered from outside.
    hasher: RandomState,
}

/// How much of the room is taken.
#[derive(Debug, Default)]
struct Shares {
    taken: usize,
    by: HashMap<WorkspaceId, usize>,
}

/// The meters of one key's visitors.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    table: Arc<Table>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Table {
    /// A power of two.
    buckets: Box<[Mutex<[Entry; WAYS]>]>,
    workspace: WorkspaceId,
    shares: Arc<Mutex<Shares>>,
}

/// Where one visitor of a key stands.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    visitor: u64,
    /// See [`Rate::take`].
    due: u64,
}

impl Visitors {
    /// Meters of one more key of a workspace, on which nobody owes anything yet.
    pub(crate) fn meters(&self, workspace: WorkspaceId) -> Meters {
        let visitors = self.shares.lock().take(workspace);
        let buckets = (0..visitors / WAYS).map(|_| Mutex::default()).collect();
        let table = Table { buckets, workspace, shares: Arc::clone(&self.shares) };
        Meters { table: Arc::new(table), hasher: self.hasher.clone() }
    }
}

impl Shares {
    /// Takes room for the table of a key, and returns for how many visitors. A workspace has at most as much as is free after
    /// that (as in `shelf.rs`).
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

impl Drop for Table {
    fn drop(&mut self) {
        self.shares.lock().give_back(self.workspace, self.buckets.len() * WAYS);
    }
}

impl Meters {
    /// Asks for one request of a visitor, and takes it where `spends`. The lock is that of one bucket, and held while eight
    /// entries are looked through.
    pub(crate) fn ask(
        &self,
        rate: Rate,
        address: Option<IpAddr>,
        now: Timestamp,
        spends: bool,
    ) -> Result<Allowance, Denial> {
        let visitor = visitor(address);
        let mut bucket = self.bucket(visitor).lock();
        let entry = entry(&mut bucket, visitor);
        // Written down too: else it is settled again with each request, and never comes nearer.
        entry.due = rate.settle(entry.due, now);
        let next = rate.take(entry.due, now).map_err(|denial| match denial {
            Denial::Rate { rate, wait } => Denial::VisitorRate { rate, wait },
            other => other,
        })?;
        if !spends {
            return Ok(rate.allowance(entry.due, now));
        }
        *entry = Entry { visitor, due: next };
        Ok(rate.allowance(next, now))
    }

    /// Takes back what a visitor was let through for.
    pub(crate) fn give_back(&self, rate: Rate, address: Option<IpAddr>) {
        let visitor = visitor(address);
        let mut bucket = self.bucket(visitor).lock();
        let entry = entry(&mut bucket, visitor);
        if entry.visitor == visitor {
            entry.due = rate.give_back(entry.due);
        }
    }

    fn bucket(&self, visitor: u64) -> &Mutex<[Entry; WAYS]> {
        &self.table.buckets[self.number(visitor)]
    }

    fn number(&self, visitor: u64) -> usize {
        let hash = self.hasher.hash_one(visitor);
        usize::try_from(hash % self.table.buckets.len() as u64).unwrap_or(0)
    }

    /// Raises what a visitor has used, who may be new here, until `due`.
    fn raise_one(&self, visitor: u64, due: u64) {
        let mut bucket = self.bucket(visitor).lock();
        let entry = entry(&mut bucket, visitor);
        // Where everyone in the bucket owes as much, a newcomer does too.
        if entry.visitor == visitor || entry.due < due {
            *entry = Entry { visitor, due: entry.due.max(due) };
        }
    }

    /// Raises what everybody has used who comes to bucket `number`, until `due`.
    fn raise_all(&self, number: usize, due: u64) {
        let mut bucket = self.table.buckets[number].lock();
        bucket.iter_mut().for_each(|entry| entry.due = entry.due.max(due));
    }
}

impl Count for Meters {
    /// The two tables may differ in size. Both sizes are powers of two, so the visitors of a bucket of the larger one all share
    /// a bucket of the smaller one.
    fn raise(&self, rate: Rate, earlier: &Self, was: Rate, now: Timestamp) {
        let (own, others) = (self.table.buckets.len(), earlier.table.buckets.len());
        for number in 0..own.max(others) {
            let bucket = *earlier.table.buckets[number % others].lock();
            let carried = bucket.map(|entry| Entry { due: rate.carry(entry.due, was, now), ..entry });
            // Whoever was forgotten there owes what the least of a full bucket does.
            let least = carried.iter().map(|entry| entry.due).min().unwrap_or_default();
            self.raise_all(number % own, least);
            let counts = |entry: &&Entry| {
                entry.due > least && number < others && earlier.number(entry.visitor) == number
            };
            carried.iter().filter(counts).for_each(|entry| self.raise_one(entry.visitor, entry.due));
        }
    }

    fn counts(&self, rate: Rate, now: Timestamp) -> bool {
        let counts = |entry: &Entry| rate.allowance(entry.due, now).full_in > 0;
        self.table.buckets.iter().any(|bucket| bucket.lock().iter().any(counts))
    }
}

/// The visitor's own entry, or the one that a newcomer takes over.
fn entry(bucket: &mut [Entry; WAYS], visitor: u64) -> &mut Entry {
    let own = bucket.iter().position(|entry| entry.visitor == visitor);
    let least = || (0..WAYS).min_by_key(|at| bucket[*at].due).unwrap_or(0);
    let at = own.unwrap_or_else(least);
    &mut bucket[at]
}

/// Who counts as one: an IPv4 address, or a network of IPv6 that is given out whole (64 bits; RFC 6177). An IPv4 address
/// inside IPv6 is the IPv4 address that it is. Requests whose address is not known are all of one visitor.
fn visitor(address: Option<IpAddr>) -> u64 {
    match address.map(|address| address.to_canonical()) {
        None => UNKNOWN,
        // Beside all networks of IPv6 that there are: those begin above `2000::`.
        Some(IpAddr::V4(address)) => (1 << 32) | u64::from(address.to_bits()),
        Some(IpAddr::V6(address)) => u64::try_from(address.to_bits() >> 64).unwrap_or(UNKNOWN),
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests;
