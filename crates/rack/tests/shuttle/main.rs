//! Runs the rack's threads in thousands of orders, drawn by Shuttle: nothing is counted twice or lost, no
//! rate limit is exceeded, and no request is allowed by outdated state.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../it/history.rs"]
#[expect(dead_code, reason = "the other tests need the rest of it")]
mod history;

use std::sync::Arc;
use std::time::Duration;

use history::{History, NOW, Step, ask, ask_from, loaded};
use keyrack_key::{Denial, Rate, Restrictions};
use keyrack_rack::{Freshness, Moment, Rack, SecretUsage, clock};
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread;

/// The number of orders for each test (probabilistic concurrency testing, Burckhardt et al. 2010).
const ORDERS: usize = 10_000;
/// The number of thread switches at adverse moments in each order.
const DEPTH: usize = 3;

fn rack_of(history: &History) -> Arc<Rack> {
    Arc::new(loaded(history.snapshot()))
}

/// Uses each key three times while another thread drains. Returns the drained usage and the
/// number of dropped checks.
fn used_while_drained(history: &History) -> (Vec<SecretUsage>, u64) {
    let rack = rack_of(history);
    let users = history.secrets.clone().into_iter().map(|secret| {
        let rack = Arc::clone(&rack);
        thread::spawn(move || (0..3).for_each(|_| assert!(ask(&rack, &secret, NOW).is_ok())))
    });
    let users: Vec<_> = users.collect();
    let mut drained: Vec<_> = (0..4).flat_map(|_| rack.drain_usage()).collect();
    users.into_iter().for_each(|user| user.join().unwrap());
    drained.extend(rack.drain_usage());
    (drained, rack.dropped_checks())
}

/// There is room for three secrets between two drains.
#[test]
fn check_is_counted_once_for_its_key() {
    let history = History::of_keys(1, 2);
    let keys: Vec<_> = history.snapshot().records.iter().map(|record| record.key).collect();
    shuttle::check_pct(
        move || {
            let (drained, dropped) = used_while_drained(&history);
            for key in &keys {
                let own = drained.iter().filter(|used| used.key == *key);
                assert_eq!((own.map(SecretUsage::checks).sum::<u64>(), dropped), (3, 0));
            }
        },
        ORDERS,
        DEPTH,
    );
}

#[test]
fn check_without_room_is_counted_as_dropped() {
    let history = History::of_keys(1, 5);
    shuttle::check_pct(
        move || {
            let (drained, dropped) = used_while_drained(&history);
            assert_eq!(drained.iter().map(SecretUsage::checks).sum::<u64>() + dropped, 15);
        },
        ORDERS,
        DEPTH,
    );
}

/// Two threads start to count the same secret at once: one tally is used, the other stays unused.
#[test]
fn concurrent_checks_of_one_key_are_counted_once() {
    let history = History::of_keys(1, 1);
    shuttle::check_pct(
        move || {
            let rack = rack_of(&history);
            let users: Vec<_> = (0..2)
                .map(|_| {
                    let (rack, secret) = (Arc::clone(&rack), history.secrets[0].clone());
                    thread::spawn(move || (0..3).for_each(|_| assert!(ask(&rack, &secret, NOW).is_ok())))
                })
                .collect();
            let mut drained: Vec<_> = (0..3).flat_map(|_| rack.drain_usage()).collect();
            users.into_iter().for_each(|user| user.join().unwrap());
            drained.extend(rack.drain_usage());
            assert_eq!(drained.iter().map(SecretUsage::checks).sum::<u64>() + rack.dropped_checks(), 6);
            assert!(rack.drain_usage().is_empty());
        },
        ORDERS,
        DEPTH,
    );
}

/// A reload that gives the other key another secret and slot neither loses usage nor assigns it to that key.
#[test]
fn checks_are_counted_for_checked_key_when_slot_is_reused() {
    let mut history = History::of_keys(1, 2);
    let before = history.snapshot();
    history.take(Step::Rotate { key: 0, overlap: 0 });
    let after = history.snapshot();
    let keys: Vec<_> = before.records.iter().map(|record| record.key).collect();
    let secret = history.secrets[1].clone();
    shuttle::check_pct(
        move || {
            let rack = Arc::new(loaded(before.clone()));
            let asking = {
                let (rack, secret) = (Arc::clone(&rack), secret.clone());
                thread::spawn(move || (0..4).for_each(|_| assert!(ask(&rack, &secret, NOW).is_ok())))
            };
            let changing = {
                let (rack, after) = (Arc::clone(&rack), after.clone());
                thread::spawn(move || rack.load(after))
            };
            let mut used: Vec<_> = (0..3).flat_map(|_| rack.drain_usage()).collect();
            asking.join().unwrap();
            changing.join().unwrap();
            used.extend(rack.drain_usage());
            assert!(used.iter().all(|used| used.key == keys[1]));
            assert_eq!(used.iter().map(SecretUsage::checks).sum::<u64>(), 4);
        },
        ORDERS,
        DEPTH,
    );
}

#[test]
fn check_after_deletion_returned_is_denied() {
    let mut history = History::of_keys(1, 2);
    let (before, from) = (history.snapshot(), history.position());
    history.take(Step::Delete { key: 0 });
    let (frame, secrets) = (history.since(from), history.secrets.clone());
    shuttle::check_pct(
        move || {
            let rack = Arc::new(loaded(before.clone()));
            let is_deleted = Arc::new(AtomicBool::new(false));
            let asking = (0..2).map(|_| {
                let (rack, secrets, is_deleted) =
                    (Arc::clone(&rack), secrets.clone(), Arc::clone(&is_deleted));
                thread::spawn(move || {
                    let was_deleted = is_deleted.load(Ordering::SeqCst);
                    let answer = ask(&rack, &secrets[0], NOW);
                    assert!(!was_deleted || matches!(answer, Err((Denial::Deleted(_), _))));
                    assert!(ask(&rack, &secrets[1], NOW).is_ok(), "the other key is let through throughout");
                })
            });
            let asking: Vec<_> = asking.collect();
            rack.apply(frame.clone()).unwrap();
            is_deleted.store(true, Ordering::SeqCst);
            asking.into_iter().for_each(|one| one.join().unwrap());
        },
        ORDERS,
        DEPTH,
    );
}

/// The server confirms a deletion when the lease ends. A check that was interrupted before must not
/// continue under the next lease.
#[test]
fn check_across_expired_lease_is_denied() {
    const LEASE: Duration = Duration::from_secs(5);
    let mut history = History::of_keys(1, 1);
    let (before, from) = (history.snapshot(), history.position());
    history.take(Step::Delete { key: 0 });
    let (frame, secret) = (history.since(from), history.secrets[0].clone());
    shuttle::check_pct(
        move || {
            let rack = Arc::new(loaded(before.clone()));
            let began = Moment::now();
            let end = began.plus(LEASE);
            rack.set_freshness(Freshness::FreshUntil(end));
            let asking = {
                let (rack, secret) = (Arc::clone(&rack), secret.clone());
                thread::spawn(move || {
                    if ask(&rack, &secret, NOW).is_ok() {
                        assert!(
                            clock::read_last() < end,
                            "let through by what was true under the last lease"
                        );
                    }
                })
            };
            clock::set(end);
            rack.apply(frame.clone()).unwrap();
            rack.set_freshness(Freshness::FreshUntil(end.plus(LEASE)));
            asking.join().unwrap();
        },
        ORDERS,
        DEPTH,
    );
}

/// There is room for two visitors, and three come.
#[test]
fn crowd_of_visitors_is_allowed_no_more_than_table_holds() {
    let mut history = History::of_keys(1, 1);
    let (visitor_rate, rate) = (Rate::new(2, 60).ok(), Rate::new(4, 60).ok());
    history.restrict(0, Restrictions { visitor_rate, rate, ..Restrictions::NONE });
    let (limited, secret) = (history.snapshot(), history.secrets[0].clone());
    shuttle::check_pct(
        move || {
            let rack = Arc::new(loaded(limited.clone()));
            let asking = [1, 1, 2, 3].map(|last| {
                let (rack, secret) = (Arc::clone(&rack), secret.clone());
                thread::spawn(move || {
                    let address = Some([192, 0, 2, last].into());
                    (0..2).filter(|_| ask_from(&rack, &secret, NOW, address)).count()
                })
            });
            let through = asking.map(|one| one.join().unwrap());
            assert!(through[0] + through[1] <= 2, "one visitor: {through:?}");
            assert!((2..=4).contains(&through.iter().sum::<usize>()), "{through:?}");
        },
        ORDERS,
        DEPTH,
    );
}

#[test]
fn concurrent_requests_are_allowed_burst_only() {
    let mut history = History::of_keys(1, 1);
    let rate = Rate::new(3, 60);
    history.take(Step::Limit { key: 0, rate: rate.ok() });
    let (limited, from) = (history.snapshot(), history.position());
    // A change of other fields does not reset the rate limit.
    history.take(Step::Edit { key: 0, permissions: 31, expires: None });
    let (frame, secret) = (history.since(from), history.secrets[0].clone());
    shuttle::check_pct(
        move || {
            let rack = Arc::new(loaded(limited.clone()));
            let asking = (0..3).map(|_| {
                let (rack, secret) = (Arc::clone(&rack), secret.clone());
                thread::spawn(move || (0..2).filter(|_| ask(&rack, &secret, NOW).is_ok()).count())
            });
            let asking: Vec<_> = asking.collect();
            rack.apply(frame.clone()).unwrap();
            let through: usize = asking.into_iter().map(|one| one.join().unwrap()).sum();
            assert_eq!(through, 3);
        },
        ORDERS,
        DEPTH,
    );
}
