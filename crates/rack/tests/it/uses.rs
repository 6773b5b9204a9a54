//! When keys were last used: told once, never too much of it.

use std::net::IpAddr;

use keyrack_key::{Brands, Permission, Presented, Question, Timestamp};
use keyrack_rack::{LastUse, Rack};

use crate::history::{History, NOW, Step, later, loaded};

/// Different keys that are remembered between two drains.
const MOST: usize = 1 << 16;

fn used(rack: &Rack, secret: &str, at: Timestamp) {
    let brands = Brands::default();
    let presented = Presented::parse(secret.as_bytes(), &brands).unwrap();
    let question = Question { now: at, permission: None, address: None, origin: None };
    let caller = rack.check(&presented, &question).unwrap();
    rack.note_use(
        &caller,
        LastUse::new(at, Some(IpAddr::from([10, 0, 0, 1])), Some(Permission::ModelsPredict), b"curl/8\n\xff"),
    );
}

#[test]
fn a_use_is_told_once_and_of_many_the_last() {
    let history = History::of_keys(1, 2);
    let rack = loaded(history.snapshot());
    for second in 0..5 {
        used(&rack, &history.secrets[0], later(second));
    }
    let [(key, last)] = rack.uses().drain().try_into().unwrap();
    assert_eq!((key, last.at, last.agent()), (history.key(0).key, later(4), "curl/8"));
    assert_eq!(
        (last.address, last.permission),
        (Some([10, 0, 0, 1].into()), Some(Permission::ModelsPredict))
    );
    assert!(rack.uses().drain().is_empty());
    used(&rack, &history.secrets[0], later(9));
    used(&rack, &history.secrets[1], later(9));
    assert_eq!(rack.uses().drain().len(), 2);
}

#[test]
fn a_use_outlives_the_changes_of_its_key_and_loading_anew() {
    let mut history = History::of_keys(1, 1);
    let rack = loaded(history.snapshot());
    used(&rack, &history.secrets[0], NOW);
    history.take(Step::Rotate { key: 0, overlap: 60 });
    rack.apply(history.since(rack.position())).unwrap();
    used(&rack, &history.secrets[0], later(1));
    rack.load(history.snapshot());
    used(&rack, &history.secrets[1], later(2));
    let [(_, last)] = rack.uses().drain().try_into().unwrap();
    assert_eq!(last.at, later(2));
}

#[test]
fn more_keys_than_are_remembered_are_counted_and_tried_again_at_their_next_use() {
    let history = History::of_keys(1, MOST + 3);
    let rack = loaded(history.snapshot());
    history.secrets.iter().for_each(|secret| used(&rack, secret, NOW));
    assert_eq!(rack.uses().dropped(), 3);
    assert_eq!(rack.uses().drain().len(), MOST);
    used(&rack, history.secrets.last().unwrap(), later(1));
    let [(key, last)] = rack.uses().drain().try_into().unwrap();
    assert_eq!((key, last.at), (history.key(MOST + 2).key, later(1)));
    assert_eq!(rack.uses().dropped(), 3);
}

#[test]
fn of_uses_at_the_same_time_none_is_told_twice_in_one_drain_and_every_key_is_told() {
    let history = History::of_keys(1, 50);
    let rack = loaded(history.snapshot());
    let told = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for round in 0..200 {
                        history.secrets.iter().for_each(|secret| used(&rack, secret, later(round)));
                    }
                })
            })
            .collect();
        let mut told = Vec::new();
        while !callers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let uses = rack.uses().drain();
            let mut keys: Vec<_> = uses.iter().map(|(key, _)| *key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), uses.len(), "a key twice in one drain");
            told.extend(uses);
        }
        told.extend(rack.uses().drain());
        told
    });
    // The very last may have been let go, since no request waits for a drain; the one before it is told.
    for number in 0..50 {
        let key = history.key(number).key;
        assert!(told.iter().any(|(one, _)| *one == key), "{key}");
        used(&rack, &history.secrets[number], later(1_000));
    }
    assert!(rack.uses().drain().iter().all(|(_, last)| last.at == later(1_000)));
    assert!(rack.uses().drain().is_empty());
    assert_eq!(rack.uses().dropped(), 0);
}
