//! What was used: each check counted once, the last use told, never too much of it.

use std::net::IpAddr;

use keyrack_key::{Brands, Exposure, Permission, Presented, Question, Spend, Timestamp};
use keyrack_rack::{LastUse, Outcome, Rack, Trust, Used};

use crate::history::{History, NOW, Step, later, loaded};

/// Different secrets that are counted at the same time.
const MOST: usize = 1 << 16;
/// Drains without a use after which a secret is no longer remembered.
const IDLE: usize = 100;

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), refused: None };

fn used(rack: &Rack, secret: &str, at: Timestamp) {
    let brands = Brands::default();
    let presented = Presented::parse(secret.as_bytes(), &brands).unwrap();
    let permission = Some(Permission::ModelsPredict);
    let question = Question {
        now: at,
        permission,
        address: None,
        origin: None,
        exposure: Exposure::None,
        spend: Spend::One,
    };
    let Ok(caller) = rack.check(&presented, &question) else { return };
    rack.note_use(
        &caller,
        LastUse::new(at, Some(IpAddr::from([10, 0, 0, 1])), Some(Permission::ModelsPredict), b"curl/8\n\xff"),
    );
}

fn counted(used: &[Used]) -> u32 {
    used.iter().flat_map(|used| &used.counts).map(|(_, count)| count).sum()
}

#[test]
fn uses_are_told_once_with_the_last() {
    let history = History::of_keys(1, 2);
    let rack = loaded(history.snapshot());
    for second in 0..5 {
        used(&rack, &history.secrets[0], later(second));
    }
    let [told] = rack.drain_uses().try_into().unwrap();
    let last = told.last.unwrap();
    assert_eq!((told.key, last.at, last.agent()), (history.key(0).key, later(4), "curl/8"));
    assert_eq!(
        (last.address, last.permission),
        (Some([10, 0, 0, 1].into()), Some(Permission::ModelsPredict))
    );
    assert_eq!(told.counts, [(PREDICTED, 5)]);
    assert!(rack.drain_uses().is_empty());
    used(&rack, &history.secrets[0], later(9));
    used(&rack, &history.secrets[1], later(9));
    assert_eq!(rack.drain_uses().len(), 2);
}

#[test]
fn what_is_refused_is_counted_with_its_reason_and_is_no_last_use() {
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
    let [told] = rack.drain_uses().try_into().unwrap();
    let refused = |why| Outcome { refused: Some(why), ..PREDICTED };
    let counts = [(PREDICTED, 1), (refused("deleted_key"), 2), (refused("insufficient_scope"), 1)];
    assert_eq!((told.counts.as_slice(), told.last.unwrap().at), (&counts[..], NOW));
}

#[test]
fn uses_outlive_the_changes_of_their_key_and_loading_anew() {
    let mut history = History::of_keys(1, 1);
    let rack = loaded(history.snapshot());
    used(&rack, &history.secrets[0], NOW);
    history.take(Step::Rotate { key: 0, overlap: 60 });
    rack.apply(history.since(rack.position())).unwrap();
    used(&rack, &history.secrets[0], later(1));
    rack.load(history.snapshot());
    rack.trust(Trust::Always);
    used(&rack, &history.secrets[1], later(2));
    history.take(Step::Forget { key: 0 });
    rack.apply(history.since(rack.position())).unwrap();
    let told = rack.drain_uses();
    assert!(told.iter().all(|used| used.key == history.key(0).key));
    assert_eq!(
        (counted(&told), told.iter().filter_map(|used| used.last).map(|last| last.at).max()),
        (3, Some(later(2)))
    );
}

#[test]
fn more_secrets_than_are_counted_are_said_and_counted_once_others_are_idle() {
    let history = History::of_keys(1, MOST + 3);
    let rack = loaded(history.snapshot());
    history.secrets.iter().for_each(|secret| used(&rack, secret, NOW));
    assert_eq!(rack.uses_dropped(), 3);
    assert_eq!(rack.drain_uses().len(), MOST);
    assert!((0..IDLE).all(|_| rack.drain_uses().is_empty()));
    used(&rack, history.secrets.last().unwrap(), later(1));
    let [told] = rack.drain_uses().try_into().unwrap();
    assert_eq!((told.key, counted(&[told])), (history.key(MOST + 2).key, 1));
    assert_eq!(rack.uses_dropped(), 3);
    // The first was forgotten meanwhile, and is counted again.
    used(&rack, &history.secrets[0], later(2));
    assert_eq!(rack.drain_uses()[0].key, history.key(0).key);
}

#[test]
fn every_check_is_counted_exactly_once_while_others_drain() {
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
            told.extend(rack.drain_uses());
        }
        told.extend(rack.drain_uses());
        told
    });
    for number in 0..50 {
        let of_key: Vec<_> =
            told.iter().filter(|used| used.key == history.key(number).key).cloned().collect();
        assert_eq!(u64::from(counted(&of_key)), CALLERS * ROUNDS, "{number}");
        assert!(of_key.iter().any(|used| used.last.is_some()));
    }
    assert!(rack.drain_uses().is_empty());
    assert_eq!(rack.uses_dropped(), 0);
}

#[test]
fn uses_are_told_secret_by_secret() {
    let mut history = History::of_keys(1, 1);
    history.take(Step::Rotate { key: 0, overlap: 60 });
    let rack = loaded(history.snapshot());
    used(&rack, &history.secrets[0], later(1));
    used(&rack, &history.secrets[1], later(2));
    let mut told: Vec<_> =
        rack.drain_uses().iter().map(|used| (used.secret, used.last.unwrap().at)).collect();
    told.sort_by_key(|(_, at)| *at);
    let digest = |number: usize| {
        Some(Presented::parse(history.secrets[number].as_bytes(), &Brands::default()).unwrap().digest())
    };
    assert_eq!(told, [(digest(0), later(1)), (digest(1), later(2))]);
}
