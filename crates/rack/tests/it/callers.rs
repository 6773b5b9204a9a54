//! Who called: told once, bounded, and nothing kept that could be a secret.

use std::net::IpAddr;
use std::sync::Arc;

use keyrack_key::{Exposure, Hint, KeyId, Permission, Timestamp};
use keyrack_rack::{Call, Callers, Calls, Outcome, Words};
use rand_core::UnwrapErr;

use crate::history::{NOW, later};

const PREDICTED: Outcome = Outcome { permission: Some(Permission::ModelsPredict), refused: None };
/// All shelves full.
const MOST: usize = 8 * 896;

fn key() -> KeyId {
    KeyId::new(NOW, &mut UnwrapErr(getrandom::SysRng))
}

fn call(key: KeyId, at: Timestamp) -> Call<'static> {
    Call {
        key,
        hint: Hint::parse("9fQ2").unwrap(),
        at,
        address: Some(IpAddr::from([10, 0, 0, 1])),
        origin: b"",
        agent: b"camera/3",
        exposure: Exposure::None,
        outcome: PREDICTED,
    }
}

/// As they are told, those of one caller together.
fn told(callers: &Callers) -> Vec<Calls> {
    let mut all: Vec<Calls> = Vec::new();
    for calls in callers.drain() {
        match all.iter_mut().find(|other| other.is_like(&calls)) {
            Some(other) => other.add(&calls),
            None => all.push(calls),
        }
    }
    all
}

#[test]
fn the_calls_of_one_caller_are_told_once_and_together() {
    let (callers, key) = (Callers::new(), key());
    for second in [3, 1, 2] {
        callers.note(&call(key, later(second)));
    }
    let [one] = told(&callers).try_into().unwrap();
    assert_eq!((one.key, one.number, one.first, one.last), (key, 3, later(1), later(3)));
    assert_eq!((one.agent.as_str(), one.outcome), ("camera/3", PREDICTED));
    assert!(callers.drain().is_empty());
}

#[test]
fn whoever_differs_in_anything_is_another_caller() {
    let (callers, key) = (Callers::new(), key());
    let one = call(key, NOW);
    let refused = Outcome { refused: Some("rate_limited"), ..PREDICTED };
    let all = [
        one,
        Call { key: self::key(), ..one },
        Call { hint: Hint::parse("Z7pe").unwrap(), ..one },
        Call { address: None, ..one },
        Call { origin: b"https://shop.example", ..one },
        Call { agent: b"curl/8", ..one },
        Call { exposure: Exposure::Browser, ..one },
        Call { outcome: refused, ..one },
    ];
    all.iter().for_each(|one| callers.note(one));
    assert_eq!(told(&callers).len(), all.len());
}

#[test]
fn more_callers_than_there_is_room_for_are_counted_and_the_others_stay() {
    let callers = Callers::new();
    let keys: Vec<_> = (0..MOST + 100).map(|_| key()).collect();
    keys.iter().for_each(|key| callers.note(&call(*key, NOW)));
    assert_eq!(callers.dropped(), 100);
    // One that is there is counted on.
    callers.note(&call(keys[0], NOW));
    let told = told(&callers);
    assert_eq!(
        (told.len(), told.iter().map(|one| one.number).sum::<u32>()),
        (MOST, u32::try_from(MOST).unwrap() + 1)
    );
    callers.note(&call(keys[0], NOW));
    assert_eq!((callers.drain().len(), callers.dropped()), (1, 100));
}

#[test]
fn nobody_waits_and_nothing_is_lost_while_others_note_and_it_is_drained() {
    let (callers, key) = (Arc::new(Callers::new()), key());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let callers = Arc::clone(&callers);
            std::thread::spawn(move || (0..10_000).for_each(|_| callers.note(&call(key, NOW))))
        })
        .collect();
    let mut number = 0;
    while threads.iter().any(|thread| !thread.is_finished()) {
        number += callers.drain().iter().map(|one| u64::from(one.number)).sum::<u64>();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    number += callers.drain().iter().map(|one| u64::from(one.number)).sum::<u64>();
    assert_eq!(number + callers.dropped(), 40_000);
}

#[test]
fn noting_takes_nothing_from_the_heap() {
    let callers = Callers::new();
    let keys: Vec<_> = (0..500).map(|_| key()).collect();
    let note_all = || keys.iter().for_each(|key| callers.note(&call(*key, NOW)));
    note_all();
    callers.drain();
    assert_eq!(allocation_counter::measure(note_all).count_total, 0);
}

#[test]
fn what_could_be_a_secret_is_not_kept() {
    let words = |text: &str| Words::<96>::new(text.as_bytes()).as_str().to_owned();
    let secret = "kr_sk_7hQzV2mXc81LpTrB0aNeKdYw5uJf3GsR9qEXMP";
    assert_eq!(words(&format!("https://x.example/{secret}/y")), "https://x.example/kr_sk_~/y");
    assert_eq!(words(&secret[6..]), "~");
    assert_eq!(words("Mozilla/5.0 (X11; Linux x86_64)\u{7f}\n"), "Mozilla/5.0 (X11; Linux x86_64)");
    // Cut off in the middle of one.
    let late = format!("{}{secret}", "-".repeat(80));
    assert_eq!(words(&late), format!("{}kr_sk_", "-".repeat(80)));
    assert_eq!(words(&"- ".repeat(60)), "- ".repeat(48));
}
