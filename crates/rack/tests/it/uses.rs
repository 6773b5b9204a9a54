//! Usage: each check is counted once, the last use is recorded, and memory is bounded.

use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Waker};

use keyrack_key::{AccessRequest, Brands, Exposure, Permission, Presented, RateUse, Timestamp};
use keyrack_rack::{Freshness, LastUse, Outcome, Rack, SecretUsage, UsageBacklog};

use crate::history::{History, NOW, Step, later, loaded};

/// The number of different secrets that are counted between two drains.
const MOST: usize = 1 << 16;

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), denied: None };

fn used(rack: &Rack, secret: &str, at: Timestamp) {
    let brands = Brands::default();
    let presented = Presented::parse(secret.as_bytes(), &brands).unwrap();
    let permission = Some(Permission::ModelsPredict);
    let question = AccessRequest {
        now: at,
        permission,
        address: None,
        origin: None,
        exposure: Exposure::None,
        spend: RateUse::Take,
    };
    let Ok(caller) = rack.check(&presented, &question) else { return };
    rack.record_use(
        &caller,
        LastUse::new(at, Some(IpAddr::from([10, 0, 0, 1])), Some(Permission::ModelsPredict), b"curl/8\n\xff"),
    );
}

fn counted(used: &[SecretUsage]) -> u32 {
    used.iter().flat_map(|used| &used.counts).map(|(_, count)| count).sum()
}

#[test]
fn usage_is_drained_once_with_last_use() {
    let history = History::of_keys(1, 2);
    let rack = loaded(history.snapshot());
    for second in 0..5 {
        used(&rack, &history.secrets[0], later(second));
    }
    let [told] = rack.drain_usage().try_into().unwrap();
    let last = told.last.unwrap();
    assert_eq!((told.key, last.at, last.agent()), (history.key(0).key, later(4), "curl/8"));
    assert_eq!(
        (last.address, last.permission),
        (Some([10, 0, 0, 1].into()), Some(Permission::ModelsPredict))
    );
    assert_eq!(told.counts, [(PREDICTED, 5)]);
    assert!(rack.drain_usage().is_empty());
    used(&rack, &history.secrets[0], later(9));
    used(&rack, &history.secrets[1], later(9));
    assert_eq!(rack.drain_usage().len(), 2);
}

#[test]
fn denied_check_is_counted_by_reason_without_last_use() {
    let mut history = History::of_keys(1, 1);
    let rack = loaded(history.snapshot());
    used(&rack, &history.secrets[0], NOW);
    history.take(Step::Edit { key: 0, permissions: 1, expires: None });
    rack.apply(history.since(rack.position())).unwrap();
    used(&rack, &history.secrets[0], later(1));
    history.take(Step::Delete { key: 0 });
    rack.apply(history.since(rack.position())).unwrap();
    used(&rack, &history.secrets[0], later(2));
    used(&rack, &history.secrets[0], later(3));
    let [told] = rack.drain_usage().try_into().unwrap();
    let refused = |why| Outcome { denied: Some(why), ..PREDICTED };
    let counts = [(PREDICTED, 1), (refused("deleted_key"), 2), (refused("insufficient_scope"), 1)];
    assert_eq!((told.counts.as_slice(), told.last.unwrap().at), (&counts[..], NOW));
}

#[test]
fn usage_survives_key_change_and_reload() {
    let mut history = History::of_keys(1, 1);
    let rack = loaded(history.snapshot());
    used(&rack, &history.secrets[0], NOW);
    history.take(Step::Rotate { key: 0, overlap: 60 });
    rack.apply(history.since(rack.position())).unwrap();
    used(&rack, &history.secrets[0], later(1));
    rack.load(history.snapshot());
    rack.set_freshness(Freshness::Fresh);
    used(&rack, &history.secrets[1], later(2));
    history.take(Step::Forget { key: 0 });
    rack.apply(history.since(rack.position())).unwrap();
    let told = rack.drain_usage();
    assert!(told.iter().all(|used| used.key == history.key(0).key));
    assert_eq!(
        (counted(&told), told.iter().filter_map(|used| used.last).map(|last| last.at).max()),
        (3, Some(later(2)))
    );
}

#[test]
fn secrets_over_capacity_are_dropped_until_next_drain() {
    let history = History::of_keys(1, MOST + 3);
    let rack = loaded(history.snapshot());
    history.secrets.iter().for_each(|secret| used(&rack, secret, NOW));
    assert_eq!(rack.dropped_checks(), 3);
    assert_eq!(rack.drain_usage().len(), MOST);
    history.secrets.iter().rev().for_each(|secret| used(&rack, secret, later(1)));
    assert_eq!((rack.drain_usage().len(), rack.dropped_checks()), (MOST, 6));
    assert!(rack.drain_usage().is_empty());
}

#[test]
fn drain_is_requested_before_capacity_is_used_up() {
    let history = History::of_keys(1, MOST / 8 + 1);
    let rack = loaded(history.snapshot());
    let signal = rack.drain_requested();
    let (last, others) = history.secrets.split_last().unwrap();
    others.iter().for_each(|secret| used(&rack, secret, NOW));
    assert!(!is_notified(&signal), "as long as there are few");
    used(&rack, last, NOW);
    assert!(is_notified(&signal));
}

/// Returns `true` if a notification waits.
fn is_notified(notify: &tokio::sync::Notify) -> bool {
    let mut notified = pin!(notify.notified());
    notified.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// After a drain, a secret uses no tally until its next check, so that others can use the tallies.
#[test]
fn replaced_secrets_do_not_exhaust_slots() {
    const SOME: usize = MOST / 8;
    let history = History::of_keys(1, SOME * 3);
    let rack = loaded(history.snapshot());
    for round in 0..40 {
        let some = &history.secrets[round % 3 * SOME..][..SOME];
        some.iter().for_each(|secret| used(&rack, secret, later(1)));
        let drained = rack.drain_usage();
        assert_eq!((drained.len(), counted(&drained) as usize), (SOME, SOME), "{round}");
    }
    assert_eq!(rack.dropped_checks(), 0);
}

/// Uses more outcomes than one tally has room for.
#[test]
fn every_outcome_is_counted() {
    let mut history = History::of_keys(1, 1);
    let rack = loaded(history.snapshot());
    let ask = |permission, exposure| {
        let presented = Presented::parse(history.secrets[0].as_bytes(), &Brands::default()).unwrap();
        let question = AccessRequest {
            now: NOW,
            permission,
            address: None,
            origin: None,
            exposure,
            spend: RateUse::Take,
        };
        let _ = rack.check(&presented, &question);
    };
    let permissions: Vec<_> = Permission::ALL.into_iter().map(Some).chain([None]).collect();
    let all =
        permissions.iter().flat_map(|one| [Exposure::None, Exposure::Url].map(|exposure| (*one, exposure)));
    let all: Vec<_> = all.collect();
    for _ in 0..3 {
        all.iter().for_each(|(permission, exposure)| ask(*permission, *exposure));
    }
    let drained = rack.drain_usage();
    assert_eq!((counted(&drained) as usize, rack.dropped_checks()), (all.len() * 3, 0));
    history.take(Step::Delete { key: 0 });
    let (mut backlog, key) = (UsageBacklog::default(), history.key(0).key);
    backlog.add(drained);
    let [one] = backlog.take(9).try_into().unwrap();
    assert!(one.key == key && one.counts.iter().all(|(_, count)| count % 3 == 0), "{:?}", one.counts);
}

#[test]
fn exposure_is_recorded_when_capacity_is_used_up() {
    let history = History::of_keys(1, MOST + 2);
    let rack = loaded(history.snapshot());
    let (own, others) = history.secrets.split_last().unwrap();
    others.iter().for_each(|secret| used(&rack, secret, NOW));
    assert!(rack.dropped_checks() > 0, "there is no room left");
    let brands = Brands::default();
    let presented = Presented::parse(own.as_bytes(), &brands).unwrap();
    let expose =
        |exposure, origin: &str, at| rack.record_exposure(&presented, exposure, origin.as_bytes(), at);
    let measured = allocation_counter::measure(|| {
        expose(Exposure::Browser, "https://shop.example", later(1));
        expose(Exposure::Browser, "https://other.example", later(2));
        expose(Exposure::Url, "https://shop.example", later(3));
        expose(Exposure::None, "", later(4));
    });
    // The first exposure that needs the reserved tallies allocates them.
    assert!(measured.count_total <= 32, "{measured:?}");
    let key = history.key(MOST + 1).key;
    let [told] =
        rack.drain_usage().into_iter().filter(|used| used.key == key).collect::<Vec<_>>().try_into().unwrap();
    let seen: Vec<_> =
        told.exposures.iter().map(|seen| (seen.exposure, seen.origin.as_str(), seen.at)).collect();
    let expected = [
        (Exposure::Url, "https://shop.example", later(3)),
        (Exposure::Browser, "https://shop.example", later(1)),
    ];
    assert_eq!(seen, expected);
    assert!(told.exposures.iter().all(|seen| own.ends_with(&seen.hint.to_string())));
    assert!(rack.drain_usage().is_empty());
}

#[test]
fn usage_backlog_merges_and_takes_in_rounds() {
    let history = History::of_keys(1, 10);
    let rack = loaded(history.snapshot());
    let mut backlog = UsageBacklog::default();
    let use_all = |backlog: &mut UsageBacklog, second| {
        history.secrets.iter().for_each(|secret| used(&rack, secret, later(second)));
        assert_eq!(backlog.add(rack.drain_usage()), 0);
    };
    use_all(&mut backlog, 1);
    use_all(&mut backlog, 2);
    let first = backlog.take(4);
    assert!(first.is_sorted_by_key(|used| used.key));
    assert!(first.iter().all(|used| used.checks() == 2 && used.last.unwrap().at == later(2)));
    use_all(&mut backlog, 3);
    let rest = backlog.take(100);
    assert_eq!((rest.len(), rest.iter().map(SecretUsage::checks).sum::<u64>()), (6, 12));
    // Usage that could not be written goes back, and is older than what was added meanwhile.
    backlog.add(rest);
    assert_eq!((backlog.len(), backlog.checks()), (10, 22));
    let all = backlog.take(100);
    assert!(all.iter().all(|used| used.last.unwrap().at == later(3)));
    assert!(backlog.is_empty() && backlog.take(1).is_empty());
}

#[test]
fn concurrent_checks_and_drains_count_each_check_once() {
    const CALLERS: u64 = 4;
    const ROUNDS: u64 = 300;
    let history = History::of_keys(1, 50);
    let rack = loaded(history.snapshot());
    let told = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    for round in 0..ROUNDS {
                        history.secrets.iter().for_each(|secret| used(&rack, secret, later(round)));
                    }
                })
            })
            .collect();
        let mut told = Vec::new();
        while !callers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            told.extend(rack.drain_usage());
        }
        told.extend(rack.drain_usage());
        told
    });
    for number in 0..50 {
        let of_key: Vec<_> =
            told.iter().filter(|used| used.key == history.key(number).key).cloned().collect();
        assert_eq!(u64::from(counted(&of_key)), CALLERS * ROUNDS, "{number}");
        assert!(of_key.iter().any(|used| used.last.is_some()));
    }
    assert!(rack.drain_usage().is_empty());
    assert_eq!(rack.dropped_checks(), 0);
}

#[test]
fn usage_is_counted_per_secret() {
    let mut history = History::of_keys(1, 1);
    history.take(Step::Rotate { key: 0, overlap: 60 });
    let rack = loaded(history.snapshot());
    used(&rack, &history.secrets[0], later(1));
    used(&rack, &history.secrets[1], later(2));
    let mut told: Vec<_> =
        rack.drain_usage().iter().map(|used| (used.secret, used.last.unwrap().at)).collect();
    told.sort_by_key(|(_, at)| *at);
    let digest = |number: usize| {
        Some(Presented::parse(history.secrets[number].as_bytes(), &Brands::default()).unwrap().digest())
    };
    assert_eq!(told, [(digest(0), later(1)), (digest(1), later(2))]);
}
