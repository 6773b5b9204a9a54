//! Threads check without a pause while keys change.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use keyrack_key::Denial;
use keyrack_rack::{Freshness, Rack};

use crate::history::{History, NOW, Step, ask, loaded};

const KEYS: usize = 2_000;
const READERS: usize = 4;

/// Runs `check` repeatedly in several threads until `write` is done. Returns the number of checks.
fn while_readers(check: impl Fn() + Sync, write: impl FnOnce()) -> u64 {
    let (over, checks) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    check();
                    checks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        write();
        over.store(true, Ordering::SeqCst);
    });
    checks.into_inner()
}

#[test]
fn deleted_key_is_denied_after_apply_returned() {
    let mut history = History::of_keys(1, KEYS);
    let rack = loaded(history.snapshot());
    let secrets = history.secrets.clone();
    // The keys below this number are deleted, and `apply` has returned.
    let gone = AtomicUsize::new(0);
    let check = || {
        let before = gone.load(Ordering::SeqCst);
        for number in [before.saturating_sub(1), before, before / 2].map(|number| number.min(KEYS - 1)) {
            let answer = ask(&rack, &secrets[number], NOW);
            assert!(
                number >= before || matches!(answer, Err((Denial::Deleted(_), _))),
                "{number}: {answer:?}"
            );
        }
    };
    let checks = while_readers(check, || {
        for key in 0..KEYS {
            history.take(Step::Delete { key });
            rack.apply(history.since(rack.position())).unwrap();
            gone.store(key + 1, Ordering::SeqCst);
        }
    });
    assert!(checks > 1_000, "{checks}");
}

#[test]
fn rotated_secret_is_denied_after_apply_returned() {
    const ROTATIONS: usize = 500;
    let rotate = Step::Rotate { key: 0, overlap: 0 };
    let mut history = History::of_keys(1, 1);
    let rack = loaded(history.snapshot());
    // The same history to its end, which contains all future secrets.
    let mut foreseen = History::of_keys(1, 1);
    (0..ROTATIONS).for_each(|_| foreseen.take(rotate));
    let secrets = foreseen.secrets;
    let ended = AtomicUsize::new(0);
    let check = || {
        let before = ended.load(Ordering::SeqCst);
        for number in [before.saturating_sub(1), before / 2] {
            let answer = ask(&rack, &secrets[number], NOW);
            assert!(
                number >= before || matches!(answer, Err((Denial::Retired(_), _))),
                "{number}: {answer:?}"
            );
        }
    };
    let checks = while_readers(check, || {
        for new in secrets.iter().skip(1) {
            history.take(rotate);
            rack.apply(history.since(rack.position())).unwrap();
            assert!(ask(&rack, new, NOW).is_ok());
            ended.fetch_add(1, Ordering::SeqCst);
        }
    });
    assert!(checks > 100, "{checks}");
}

#[test]
fn unchanged_key_is_allowed_during_reload() {
    let history = History::of_keys(1, KEYS);
    let rack = loaded(history.snapshot());
    let number = AtomicUsize::new(0);
    let check = || {
        let number = number.fetch_add(1, Ordering::Relaxed) % KEYS;
        assert!(ask(&rack, &history.secrets[number], NOW).is_ok());
    };
    let checks = while_readers(check, || (0..50).for_each(|_| rack.load(history.snapshot())));
    assert!(checks > 1_000, "{checks}");
}

#[test]
fn stale_rack_denies_everything() {
    let history = History::of_keys(1, 1);
    let rack: Rack = loaded(history.snapshot());
    rack.set_freshness(Freshness::Stale);
    assert_eq!(ask(&rack, &history.secrets[0], NOW), Err((Denial::Stale, None)));
    rack.set_freshness(Freshness::Fresh);
    assert!(ask(&rack, &history.secrets[0], NOW).is_ok());
}
