//! Frames and snapshots lead to the same rack, however they are split or repeated.

use keyrack_key::Denial;
use keyrack_rack::{ChangeId, Frame, Gap, Position, Rack, Revision, Snapshot, SnapshotReader};
use proptest::prelude::*;

use crate::history::{History, NOW, Step, ask, later, loaded, steps};

/// Times before, halfway through, and after all deadlines that [`steps`] creates.
fn times() -> [keyrack_key::Timestamp; 3] {
    [NOW.minus(std::time::Duration::from_micros(1)), later(50), later(100)]
}

fn equal(history: &History, one: &Rack, other: &Rack) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.position(), other.position());
    prop_assert_eq!(one.len(), other.len());
    for at in times() {
        prop_assert_eq!(history.answers(one, at), history.answers(other, at));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Frames contain one or more steps, and the first reader starts in the middle.
    #[test]
    fn rack_fed_by_frames_equals_loaded_rack(
        steps in steps(), begins in 0_usize..10, pieces in proptest::collection::vec(1_usize..12, 60)
    ) {
        let mut history = History::after(1, &steps[..begins.min(steps.len())]);
        let fed = loaded(history.snapshot());
        let mut rest = &steps[begins.min(steps.len())..];
        for piece in pieces {
            let (now, later) = rest.split_at(piece.min(rest.len()));
            for step in now {
                history.take(*step);
            }
            prop_assert_eq!(fed.apply(history.since(fed.position())), Ok(()));
            rest = later;
        }
        equal(&history, &fed, &loaded(history.snapshot()))?;
    }

    #[test]
    fn repeated_frame_changes_nothing(steps in steps(), cut in 0_usize..60) {
        let cut = cut.min(steps.len());
        let before = History::after(1, &steps[..cut]);
        let history = History::after(1, &steps);
        let rack = loaded(before.snapshot());
        let frame = history.since(before.position());
        prop_assert_eq!(rack.apply(frame.clone()), Ok(()));
        let moved = frame.from != frame.to;
        prop_assert_eq!(rack.apply(frame), if moved { Err(Gap) } else { Ok(()) });
        equal(&history, &rack, &loaded(history.snapshot()))?;
    }

    /// A late frame may contain an older state of a key: a deleted key stays deleted.
    #[test]
    fn older_record_is_ignored(steps in steps(), cut in 0_usize..60) {
        let old = History::after(1, &steps[..cut.min(steps.len())]);
        let history = History::after(1, &steps);
        let rack = loaded(history.snapshot());
        let here = rack.position();
        let stale = Frame { from: here, to: here, changes: old.snapshot().records };
        prop_assert_eq!(rack.apply(stale), Ok(()));
        equal(&history, &rack, &loaded(history.snapshot()))?;
    }

    #[test]
    fn gap_is_rejected_and_changes_nothing(steps in steps(), cut in 0_usize..60, change: [u8; 16]) {
        let before = History::after(1, &steps[..cut.min(steps.len())]);
        let history = History::after(1, &steps);
        let rack = loaded(before.snapshot());
        let here = rack.position();
        for from in [
            Position { revision: Revision(here.revision.0 + 1), ..here },
            Position { change: ChangeId(change), ..here },
        ] {
            prop_assert_eq!(rack.apply(Frame { from, ..history.since(here) }), Err(Gap));
            equal(&history, &rack, &loaded(before.snapshot()))?;
        }
    }

    /// After the restore of a backup, nothing of the earlier content may remain.
    #[test]
    fn loading_other_history_replaces_all_keys(one in steps(), other in steps()) {
        let (one, other) = (History::after(1, &one), History::after(2, &other));
        let rack = loaded(one.snapshot());
        rack.load(other.snapshot());
        equal(&other, &rack, &loaded(other.snapshot()))?;
        prop_assert!(one.answers(&rack, NOW).values().all(|answer| *answer == Err("(Unknown, None)".into())));
    }
}

#[test]
fn unloaded_rack_denies_everything() {
    let history = History::of_keys(1, 1);
    assert_eq!(ask(&Rack::new(), &history.secrets[0], NOW), Err((Denial::Stale, None)));
    assert_eq!(ask(&loaded(Snapshot::default()), &history.secrets[0], NOW), Err((Denial::Unknown, None)));
}

#[test]
fn incomplete_snapshot_removes_nothing() {
    let mut history = History::of_keys(1, 6);
    history.take(Step::Rotate { key: 4, overlap: 60 });
    let rack = loaded(history.snapshot());
    let before = history.answers(&rack, NOW);
    let mut first = history.snapshot().records;
    first.truncate(3);
    let batches = Box::new([Ok(first), Err("torn")].into_iter());
    let broken = rack.read(SnapshotReader { position: history.position(), keys: 6, batches });
    assert_eq!((broken, rack.len(), rack.position()), (Err("torn"), 6, Position::default()));
    assert_eq!(history.answers(&rack, NOW), before);
    history.take(Step::Delete { key: 5 });
    rack.load(history.snapshot());
    assert_eq!(history.answers(&rack, NOW), history.answers(&loaded(history.snapshot()), NOW));
    assert_eq!(rack.len(), 6);
}

#[test]
fn deleted_key_is_reported_until_tombstone_is_forgotten() {
    let mut history = History::of_keys(1, 2);
    history.take(Step::Delete { key: 0 });
    let rack = loaded(history.snapshot());
    let deleted = Err((Denial::Deleted(NOW), Some(Revision(3))));
    assert_eq!(ask(&rack, &history.secrets[0], NOW), deleted);
    rack.forget_before(NOW);
    assert_eq!(ask(&rack, &history.secrets[0], NOW), deleted, "it was deleted at this moment, not before");
    rack.forget_before(later(1));
    assert_eq!(ask(&rack, &history.secrets[0], NOW), Err((Denial::Unknown, None)));
    assert_eq!(ask(&rack, &history.secrets[1], NOW), Ok(Revision(2)));
    assert_eq!((rack.len(), rack.position()), (1, history.position()));
}

#[test]
fn retired_secret_is_reported_until_forgotten() {
    let mut history = History::of_keys(1, 1);
    history.take(Step::Rotate { key: 0, overlap: 60 });
    let rack = loaded(history.snapshot());
    assert_eq!(ask(&rack, &history.secrets[0], NOW), Ok(Revision(2)));
    assert_eq!(
        ask(&rack, &history.secrets[0], later(60)),
        Err((Denial::Retired(later(60)), Some(Revision(2))))
    );
    rack.forget_before(later(61));
    assert_eq!(ask(&rack, &history.secrets[0], later(61)), Err((Denial::Unknown, None)));
    assert_eq!(ask(&rack, &history.secrets[1], later(61)), Ok(Revision(2)));
}
