//! Meters of visitors: where each of those who use a key from somewhere else stands with the key's rate per visitor.
//!
//! A table has room for 4,096 visitors, in buckets of eight, and never grows. Each of the first 256 keys with such a rate
//! has a table of its own, further ones share them: 25 MiB in all, whoever comes.
//!
//! A bucket that is full gives a newcomer the place of the visitor who owes least, *and what that one owes*. Whoever owes
//! nothing is forgotten that way without a difference; and of those who do, none is let through sooner for having been
//! forgotten, since whoever comes back owes at least as much as when they went (Metwally et al. 2005, "Efficient
//! computation of frequent and top-k elements", keep counts so). So whoever has many addresses buys with them what each of
//! them may send, and nothing more: no meter, theirs or anybody's, is ever set back. What they can do with thousands of
//! addresses that all have used up their share is make newcomers wait. Against that a key has its own rate.

use std::array;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use keyrack_key::{Allowance, Denial, Rate, Timestamp};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

const TABLES: usize = if cfg!(feature = "shuttle") { 2 } else { 256 };
const BUCKETS: usize = if cfg!(feature = "shuttle") { 1 } else { 512 };
const WAYS: usize = if cfg!(feature = "shuttle") { 2 } else { 8 };

/// Nobody in particular: no request comes from such a network.
const UNKNOWN: u64 = u64::MAX;

/// The tables of all keys. A table comes into being when a key is given a rate per visitor, never while one is asked.
#[derive(Debug)]
pub(crate) struct Visitors {
    tables: [OnceLock<Arc<Table>>; TABLES],
    /// How many keys were given meters.
    begun: AtomicU64,
    /// Seeded: who shares a bucket with whom cannot be steered from outside.
    hasher: RandomState,
}

/// The meters of one key's visitors.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    table: Arc<Table>,
    owner: u64,
    hasher: RandomState,
}

type Table = [Mutex<[Entry; WAYS]>; BUCKETS];

/// Where one visitor of a key stands.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    owner: u64,
    visitor: u64,
    /// See [`Rate::take`].
    due: u64,
}

impl Default for Visitors {
    fn default() -> Self {
        Self {
            tables: [const { OnceLock::new() }; TABLES],
            begun: AtomicU64::new(0),
            hasher: RandomState::default(),
        }
    }
}

impl Visitors {
    /// Meters of one more key, on which nobody owes anything yet.
    pub(crate) fn meters(&self) -> Meters {
        let owner = self.begun.fetch_add(1, Ordering::Relaxed);
        let number = usize::try_from(owner % TABLES as u64).unwrap_or(0);
        let new = || Arc::new(array::from_fn(|_| Mutex::new([Entry::default(); WAYS])));
        let table = Arc::clone(self.tables[number].get_or_init(new));
        Meters { table, owner, hasher: self.hasher.clone() }
    }
}

impl Meters {
    /// Asks for one request of a visitor, and takes it where `spends`. The lock is one of 512, and held while eight entries
    /// are looked through.
    pub(crate) fn ask(
        &self,
        rate: Rate,
        address: Option<IpAddr>,
        now: Timestamp,
        spends: bool,
    ) -> Result<Allowance, Denial> {
        let visitor = visitor(address);
        let mut bucket = self.bucket(visitor).lock();
        let entry = self.entry(&mut bucket, visitor);
        let due = rate.settle(entry.due, now);
        let next = rate.take(due, now).map_err(|denial| match denial {
            Denial::Rate { rate, wait } => Denial::VisitorRate { rate, wait },
            other => other,
        })?;
        if !spends {
            return Ok(rate.allowance(due, now));
        }
        *entry = Entry { owner: self.owner, visitor, due: next };
        Ok(rate.allowance(next, now))
    }

    /// Takes back what a visitor was let through for.
    pub(crate) fn give_back(&self, rate: Rate, address: Option<IpAddr>) {
        let visitor = visitor(address);
        let mut bucket = self.bucket(visitor).lock();
        let entry = self.entry(&mut bucket, visitor);
        if (entry.owner, entry.visitor) == (self.owner, visitor) {
            entry.due = rate.give_back(entry.due);
        }
    }

    fn bucket(&self, visitor: u64) -> &Mutex<[Entry; WAYS]> {
        let hash = self.hasher.hash_one((self.owner, visitor));
        &self.table[usize::try_from(hash % BUCKETS as u64).unwrap_or(0)]
    }

    /// The visitor's own entry, or the one that a newcomer takes over.
    fn entry<'a>(&self, bucket: &'a mut [Entry; WAYS], visitor: u64) -> &'a mut Entry {
        let is_own = |entry: &Entry| (entry.owner, entry.visitor) == (self.owner, visitor);
        let own = bucket.iter().position(is_own);
        let least = || (0..WAYS).min_by_key(|at| bucket[*at].due).unwrap_or(0);
        let at = own.unwrap_or_else(least);
        &mut bucket[at]
    }
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

    #[test]
    fn the_tables_hold_no_more_than_is_said() {
        let visitors = Visitors::default();
        for _ in 0..3 * TABLES {
            visitors.meters();
        }
        let table = size_of::<Table>();
        assert!(table * TABLES <= 26 << 20, "{table} bytes each");
        assert!(visitors.tables.iter().all(|table| table.get().is_some()));
    }

    /// Many more visitors than there is room for, each as often as it is let through.
    #[test]
    fn whoever_comes_back_after_a_crowd_is_let_through_no_sooner() {
        let rate = Rate::new(3, 3_600).unwrap();
        let meters = Visitors::default().meters();
        let ask = |number: u32| meters.ask(rate, Some(IpAddr::from(number.to_be_bytes())), NOW, true).is_ok();
        let use_up = |number: u32| (0..10).filter(|_| ask(number)).count();
        assert_eq!((use_up(0), use_up(0)), (3, 0));
        let room = BUCKETS * WAYS;
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
            let meters = Visitors::default().meters();
            let hash = RandomState::default();
            // One bucket for all: whatever the number, the same eight entries.
            let crowded = Meters { table: Arc::new(array::from_fn(|_| Mutex::default())), owner: 0, hasher: hash.clone() };
            let same: Vec<u32> = (0_u32..)
                .filter(|number| hash.hash_one((0_u64, (1_u64 << 32) | u64::from(*number))) % BUCKETS as u64 == 0)
                .take(60)
                .collect();
            let (mut alone, mut crowd, mut now) = ([0_u64; 60], [0_u64; 60], NOW);
            for (who, pause) in asked {
                now = now.plus(Duration::from_micros(pause));
                let who = usize::from(who);
                let from = Some(IpAddr::from(same[who].to_be_bytes()));
                let own = rate.take(alone[who], now);
                prop_assert_eq!(meters.ask(rate, from, now, true).is_ok(), own.is_ok());
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
