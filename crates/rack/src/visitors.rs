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

/// The tables of all keys. A table comes into being when a key is given a rate per visitor, never while one is asked, and goes
/// with the last request that asks it.
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

    /// Lets `rate` take the place of `was` ([`Rate::carry`]), for every visitor.
    pub(crate) fn carry(&self, rate: Rate, was: Rate, now: Timestamp) {
        if rate != was {
            for bucket in &self.table.buckets {
                bucket.lock().iter_mut().for_each(|entry| entry.due = rate.carry(entry.due, was, now));
            }
        }
    }

    /// Whether some visitor has used something that has not come back.
    pub(crate) fn counts(&self, rate: Rate, now: Timestamp) -> bool {
        let counts = |entry: &Entry| rate.allowance(entry.due, now).full_in > 0;
        self.table.buckets.iter().any(|bucket| bucket.lock().iter().any(counts))
    }

    fn bucket(&self, visitor: u64) -> &Mutex<[Entry; WAYS]> {
        let hash = self.hasher.hash_one(visitor);
        let number = usize::try_from(hash % self.table.buckets.len() as u64).unwrap_or(0);
        &self.table.buckets[number]
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
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unwrap_used,
        reason = "as a question has it; a test that cannot go on has failed"
    )]
    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn ipv4_addresses_are_one_visitor_each_and_ipv6_networks_of_64_bits() {
        assert_eq!(visitor(address("2001:db8::1")), visitor(address("2001:db8::ffff:1")));
        assert_ne!(visitor(address("2001:db8::1")), visitor(address("2001:db8:0:1::1")));
        assert_ne!(visitor(address("10.0.0.1")), visitor(address("10.0.0.2")));
        assert_eq!(visitor(address("::ffff:10.0.0.1")), visitor(address("10.0.0.1")));
        assert_ne!(visitor(None), visitor(address("0.0.0.0")));
    }

    fn workspace() -> WorkspaceId {
        WorkspaceId::new(NOW, &mut rand_core::UnwrapErr(getrandom::SysRng))
    }

    fn size(meters: &Meters) -> usize {
        meters.table.buckets.len() * WAYS
    }

    #[test]
    fn the_tables_hold_no_more_than_is_said_and_a_workspace_leaves_others_as_much_as_it_has() {
        let (visitors, greedy, late) = (Visitors::default(), workspace(), workspace());
        let mut all: Vec<_> = (0..2_000).map(|_| visitors.meters(greedy)).collect();
        assert_eq!((size(&all[0]), size(all.last().unwrap())), (LARGEST, SMALLEST));
        let of_greedy: usize = all.iter().map(size).sum();
        assert!(of_greedy <= ROOM / 2 + 2_000 * SMALLEST, "{of_greedy}");
        all.extend((0..20).map(|_| visitors.meters(late)));
        assert!(all[2_000..].iter().all(|meters| size(meters) == LARGEST), "others have whole tables");
        let bytes = size_of::<Mutex<[Entry; WAYS]>>() * ROOM / WAYS;
        assert!(bytes <= 18 << 20, "{bytes}");
        drop(all);
        assert_eq!(visitors.shares.lock().taken, 0, "keys that go give their room back");
        assert!(visitors.shares.lock().by.is_empty());
    }

    /// Another tenant's visitors, however many, are in other tables, though its keys are many.
    #[test]
    fn a_flood_of_visitors_elsewhere_touches_no_visitor_here() {
        let (rate, visitors) = (Rate::new(3, 3_600).unwrap(), Visitors::default());
        let (greedy, own) = (workspace(), visitors.meters(workspace()));
        let ask = |meters: &Meters, number: u32| {
            meters.ask(rate, Some(IpAddr::from(number.to_be_bytes())), NOW, true).map(|left| left.remaining)
        };
        for number in 0..300 {
            assert_eq!(ask(&own, number), Ok(2));
        }
        let keys: Vec<_> = (0..300).map(|_| visitors.meters(greedy)).collect();
        for number in 0..16_000 {
            let _ = ask(&keys[number as usize % keys.len()], number);
        }
        for number in 0..300 {
            assert_eq!(ask(&own, number), Ok(1), "nobody was forgotten or charged");
        }
        for number in 300..600 {
            assert_eq!(ask(&own, number), Ok(2), "and newcomers have all that is theirs");
        }
    }

    #[test]
    fn a_quicker_rate_is_not_waited_for_as_the_slower_one_was() {
        let (slow, quick) = (Rate::new(1, 86_400).unwrap(), Rate::new(1, 60).unwrap());
        let meters = Visitors::default().meters(workspace());
        let at = |seconds| NOW.plus(Duration::from_secs(seconds));
        let from = address("10.0.0.1");
        assert!(meters.ask(slow, from, NOW, true).is_ok());
        // As it is where the two were not carried over.
        assert!(meters.ask(quick, from, NOW, true).is_err());
        assert!(meters.ask(quick, from, at(61), true).is_ok());
        assert!(meters.ask(quick, from, at(61), false).is_err());
        assert!(meters.ask(quick, from, at(122), false).is_ok());
    }

    /// Many more visitors than there is room for, each as often as it is let through.
    #[test]
    fn whoever_comes_back_after_a_crowd_is_let_through_no_sooner() {
        let rate = Rate::new(3, 3_600).unwrap();
        let meters = Visitors::default().meters(workspace());
        let ask = |number: u32| meters.ask(rate, Some(IpAddr::from(number.to_be_bytes())), NOW, true).is_ok();
        let use_up = |number: u32| (0..10).filter(|_| ask(number)).count();
        assert_eq!((use_up(0), use_up(0)), (3, 0));
        let room = LARGEST;
        let let_through: usize = (1..40_000).map(use_up).sum();
        assert!(let_through <= 3 * room, "{let_through} requests where {room} visitors have room");
        assert!(let_through >= 3 * room * 9 / 10, "and they were let through");
        assert_eq!(use_up(0), 0, "forgotten or not");
        let after = NOW.plus(Duration::from_hours(1));
        assert!(meters.ask(rate, Some(IpAddr::from([9, 9, 9, 9])), after, true).is_ok());
    }

    proptest! {
        /// Each visitor has a meter of its own as long as all have room; and however many there are, none gets more than with
        /// one.
        #[test]
        fn a_meter_is_never_kinder_than_one_that_a_visitor_has_alone(
            asked in proptest::collection::vec((0_u8..60, 0_u64..2_000_000), 1..400), requests in 1_u32..5,
        ) {
            let rate = Rate::new(requests, 10).unwrap();
            let visitors = Visitors::default();
            let meters = visitors.meters(workspace());
            let crowded = visitors.meters(workspace());
            // One bucket for all: whatever the number, the same eight entries.
            let buckets = crowded.table.buckets.len() as u64;
            let same: Vec<u32> = (0_u32..)
                .filter(|number| visitors.hasher.hash_one((1_u64 << 32) | u64::from(*number)) % buckets == 0)
                .take(60)
                .collect();
            let (mut alone, mut crowd, mut now) = ([0_u64; 60], [0_u64; 60], NOW);
            for (who, pause) in asked {
                now = now.plus(Duration::from_micros(pause));
                let who = usize::from(who);
                let from = Some(IpAddr::from(same[who].to_be_bytes()));
                let apart = Some(IpAddr::from(u32::try_from(who).unwrap().to_be_bytes()));
                let own = rate.take(alone[who], now);
                prop_assert_eq!(meters.ask(rate, apart, now, true).is_ok(), own.is_ok());
                alone[who] = own.unwrap_or(alone[who]);
                if crowded.ask(rate, from, now, true).is_ok() {
                    let own = rate.take(crowd[who], now);
                    prop_assert!(own.is_ok(), "let through beyond its rate");
                    crowd[who] = own.unwrap_or_default();
                }
            }
        }
    }
}
