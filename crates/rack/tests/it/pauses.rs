//! A paused key is denied until its pause ends, whatever other restrictions it has.

use keyrack_key::{Denial, Pause, Rate};
use keyrack_rack::Revision;

use crate::history::{History, NOW, Step, ask, later, loaded};

#[test]
fn pause_from_frame_is_active_until_end_or_next_frame() {
    let mut history = History::of_keys(1, 1);
    let rack = loaded(history.snapshot());
    let secret = history.secrets[0].clone();
    let pause = Pause::until(Some(later(10)));
    history.take(Step::Pause { key: 0, until: Some(pause) });
    rack.apply(history.since(rack.position())).unwrap();
    assert_eq!(ask(&rack, &secret, later(9)), Err((Denial::Paused(pause), Some(Revision(2)))));
    assert_eq!(ask(&rack, &secret, later(10)), Ok(Revision(2)));
    history.take(Step::Pause { key: 0, until: Some(Pause::UNTIL_RESUMED) });
    rack.apply(history.since(rack.position())).unwrap();
    assert_eq!(
        ask(&rack, &secret, later(1_000_000)),
        Err((Denial::Paused(Pause::UNTIL_RESUMED), Some(Revision(3))))
    );
    history.take(Step::Pause { key: 0, until: None });
    rack.apply(history.since(rack.position())).unwrap();
    assert_eq!(ask(&rack, &secret, NOW), Ok(Revision(4)));
}

#[test]
fn pause_does_not_change_rate_usage() {
    let mut history = History::of_keys(1, 1);
    history.take(Step::Limit { key: 0, rate: Rate::new(2, 3_600).ok() });
    let rack = loaded(history.snapshot());
    let secret = history.secrets[0].clone();
    assert!(ask(&rack, &secret, NOW).is_ok());
    for until in [Some(Pause::UNTIL_RESUMED), None] {
        history.take(Step::Pause { key: 0, until });
        rack.apply(history.since(rack.position())).unwrap();
        assert_eq!(ask(&rack, &secret, NOW).is_err(), until.is_some());
    }
    assert!(matches!(ask(&rack, &secret, NOW), Err((Denial::Rate { .. }, _))), "both were used up");
}

#[test]
fn unreadable_paused_key_is_denied_as_paused() {
    let history = History::of_keys(1, 1);
    let mut snapshot = history.snapshot();
    let terms = &mut snapshot.records[0].terms;
    (terms.restrictions, terms.pause) = (None, Some(Pause::until(Some(later(5)))));
    let rack = loaded(snapshot);
    let denied = |at| ask(&rack, &history.secrets[0], at).unwrap_err().0;
    assert!(matches!(denied(NOW), Denial::Paused(_)));
    assert_eq!(denied(later(5)), Denial::NotUnderstood);
}
