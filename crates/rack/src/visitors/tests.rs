//! Tests of the meters of visitors.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::earlier::EarlierMeters;

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
fn visitor_is_ipv4_address_or_ipv6_64_network() {
    assert_eq!(visitor(address("2001:db8::1")), visitor(address("2001:db8::ffff:1")));
    assert_ne!(visitor(address("2001:db8::1")), visitor(address("2001:db8:0:1::1")));
    assert_ne!(visitor(address("10.0.0.1")), visitor(address("10.0.0.2")));
    assert_eq!(visitor(address("::ffff:10.0.0.1")), visitor(address("10.0.0.1")));
    assert_ne!(visitor(None), visitor(address("0.0.0.0")));
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new(NOW, &mut rand_core::UnwrapErr(getrandom::SysRng))
}

fn size(meters: &VisitorMeters) -> usize {
    meters.table.buckets.len() * WAYS
}

#[test]
fn workspace_tables_leave_half_of_budget() {
    let (visitors, greedy, late) = (Visitors::default(), workspace(), workspace());
    let mut all: Vec<_> = (0..2_000).map(|_| visitors.meters(greedy)).collect();
    assert_eq!((size(&all[0]), size(all.last().unwrap())), (LARGEST, SMALLEST));
    let of_greedy: usize = all.iter().map(size).sum();
    assert!(of_greedy <= ROOM / 2 + 2_000 * SMALLEST, "{of_greedy}");
    all.extend((0..20).map(|_| visitors.meters(late)));
    assert!(all[2_000..].iter().all(|meters| size(meters) == LARGEST), "others have whole tables");
    let bytes = size_of::<Mutex<[VisitorEntry; WAYS]>>() * ROOM / WAYS;
    assert!(bytes <= 18 << 20, "{bytes}");
    drop(all);
    assert_eq!(visitors.shares.lock().taken, 0, "keys that go give their room back");
    assert!(visitors.shares.lock().by.is_empty());
}

/// Another workspace's visitors are in other tables, however many keys it has.
#[test]
fn visitors_of_other_keys_do_not_affect_key() {
    let (rate, visitors) = (Rate::new(3, 3_600).unwrap(), Visitors::default());
    let (greedy, own) = (workspace(), visitors.meters(workspace()));
    let ask = |meters: &VisitorMeters, number: u32| {
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
fn faster_rate_shortens_wait() {
    let (slow, quick) = (Rate::new(1, 86_400).unwrap(), Rate::new(1, 60).unwrap());
    let meters = Visitors::default().meters(workspace());
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let from = address("10.0.0.1");
    assert!(meters.ask(slow, from, NOW, true).is_ok());
    // As if the due time had not been converted.
    assert!(meters.ask(quick, from, NOW, true).is_err());
    assert!(meters.ask(quick, from, at(61), true).is_ok());
    assert!(meters.ask(quick, from, at(61), false).is_err());
    assert!(meters.ask(quick, from, at(122), false).is_ok());
}

/// Many more visitors than the table holds, each as often as it is allowed.
#[test]
fn evicted_visitor_is_not_allowed_sooner() {
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
    /// Visitors have separate meters while the table has room. In a full table, no visitor gets more
    /// than with a meter of its own.
    #[test]
    fn shared_bucket_never_allows_more_than_own_meter(
        asked in proptest::collection::vec((0_u8..60, 0_u64..2_000_000), 1..400), requests in 1_u32..5,
    ) {
        let rate = Rate::new(requests, 10).unwrap();
        let visitors = Visitors::default();
        let meters = visitors.meters(workspace());
        let crowded = visitors.meters(workspace());
        // All visitors share one bucket with eight entries.
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

/// Visitors whose entries share one bucket, whatever the size of the table.
fn visitors_of_one_bucket(visitors: &Visitors, many: usize) -> Vec<u32> {
    let buckets = (LARGEST / WAYS) as u64;
    let is_in_first =
        |number: &u32| visitors.hasher.hash_one((1_u64 << 32) | u64::from(*number)).is_multiple_of(buckets);
    (0_u32..).filter(is_in_first).take(many).collect()
}

/// A step of a key with a rate limit for each visitor.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask { visitor: usize, times: usize },
    Wait { seconds: u64 },
    Change { to: usize, small: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_usize..20, 1_usize..9).prop_map(|(visitor, times)| Step::Ask { visitor, times }),
        2 => (1_u64..10).prop_map(|seconds| Step::Wait { seconds }),
        3 => (0_usize..3, any::<bool>()).prop_map(|(to, small)| Step::Change { to, small }),
    ]
}

proptest! {
    /// Twenty visitors share the eight entries of a bucket, in tables of two sizes, while the rate
    /// limit changes repeatedly.
    #[test]
    fn rate_changes_never_exceed_visitor_rate(
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let rates = [(4, 4), (6, 60), (8, 3_600)].map(|(requests, seconds)| Rate::new(requests, seconds).unwrap());
        let (visitors, own) = (Visitors::default(), workspace());
        let from = visitors_of_one_bucket(&visitors, 20);
        let table = |small| {
            let meters = visitors.meters(if small { own } else { workspace() });
            assert_eq!(size(&meters), if small { SMALLEST } else { LARGEST });
            meters
        };
        // The workspace keeps its share, so that its tables stay small.
        let _taken: Vec<_> = std::iter::repeat_with(|| visitors.meters(own))
            .take_while(|meters| size(meters) > SMALLEST)
            .collect();
        let (mut earlier, mut now) = (EarlierMeters::default(), NOW);
        let mut current = Some((rates[0], visitors.meters(workspace())));
        let mut alone = [[0_u64; 3]; 20];
        for step in steps {
            match step {
                Step::Wait { seconds } => now = now.plus(Duration::from_secs(seconds)),
                Step::Change { to, small } => {
                    current = earlier.replace(current.take(), Some(rates[to]), now, || table(small));
                }
                Step::Ask { visitor, times } => for _ in 0..times {
                    let (rate, meters) = current.as_ref().unwrap();
                    let number = rates.iter().position(|one| one == rate).unwrap();
                    if meters.ask(*rate, Some(IpAddr::from(from[visitor].to_be_bytes())), now, true).is_ok() {
                        let due = &mut alone[visitor][number];
                        let next = rate.take(*due, now);
                        prop_assert!(next.is_ok(), "visitor {} got more under {} than it allows", visitor, rate);
                        *due = next.unwrap_or_default();
                    }
                }
            }
        }
    }
}
