//! A follower with a feed that has gaps, other histories, errors, and many readers at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyrack_key::Timestamp;
use keyrack_rack::{
    Feed, FeedUpdate, Follower, Frame, Freshness, Moment, Position, Rack, Revision, SnapshotReader,
};

use crate::history::{History, NOW, Step, ask, loaded};

/// A feed of one history at a time, like a store.
#[derive(Clone)]
struct Tape(Arc<Reel>);

struct Reel {
    history: Mutex<History>,
    snapshots: AtomicUsize,
    /// The next frame starts at another position.
    hole: AtomicBool,
    fails: AtomicBool,
    trust: Mutex<Freshness>,
}

#[derive(Debug, thiserror::Error)]
#[error("the tape is torn")]
struct Torn;

impl Tape {
    fn new(history: History) -> Self {
        let (snapshots, hole, fails) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        let (history, trust) = (Mutex::new(history), Mutex::new(Freshness::Fresh));
        Self(Arc::new(Reel { history, snapshots, hole, fails, trust }))
    }

    fn trust(&self, trust: Freshness) {
        *self.0.trust.lock().unwrap_or_else(PoisonError::into_inner) = trust;
    }

    fn with<T>(&self, work: impl FnOnce(&mut History) -> T) -> T {
        work(&mut self.0.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies a step and returns its revision.
    fn take(&self, step: Step) -> Revision {
        self.with(|history| {
            history.take(step);
            history.position().revision
        })
    }

    fn snapshots(&self) -> usize {
        self.0.snapshots.load(Ordering::SeqCst)
    }

    fn is_whole(&self) -> Result<(), Torn> {
        if self.0.fails.load(Ordering::SeqCst) { Err(Torn) } else { Ok(()) }
    }
}

impl Feed for Tape {
    type Error = Torn;

    fn freshness(&self) -> Freshness {
        *self.0.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn snapshot(&self, _: Timestamp) -> Result<SnapshotReader<Torn>, Torn> {
        self.is_whole()?;
        tokio::task::yield_now().await;
        self.0.snapshots.fetch_add(1, Ordering::SeqCst);
        Ok(self.with(|history| history.snapshot()).into())
    }

    async fn after(&self, position: Position) -> Result<FeedUpdate, Torn> {
        self.is_whole()?;
        tokio::task::yield_now().await;
        let frame = self.with(|history| history.since(position));
        if self.0.hole.swap(false, Ordering::SeqCst) {
            let from = Position { revision: Revision(position.revision.0 + 1), ..position };
            return Ok(FeedUpdate::Frame(Frame { from, ..frame }));
        }
        let known = frame.to.revision > position.revision || frame.to == position;
        Ok(if known { FeedUpdate::Frame(frame) } else { FeedUpdate::Reload })
    }
}

fn following(history: History) -> (Tape, Follower<Tape>) {
    let tape = Tape::new(history);
    let follower = Follower::new(tape.clone(), Arc::new(Rack::new()));
    (tape, follower)
}

fn assert_equal(tape: &Tape, rack: &Rack) {
    tape.with(|history| {
        assert_eq!(rack.position(), history.position());
        assert_eq!(history.answers(rack, NOW), history.answers(&loaded(history.snapshot()), NOW));
    });
}

#[tokio::test]
async fn first_catch_up_loads_snapshot_and_later_read_frames() {
    let (tape, follower) = following(History::of_keys(1, 3));
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    assert!(follower.rack().is_fresh());
    assert_equal(&tape, follower.rack());
    let revision = tape.take(Step::Delete { key: 1 });
    follower.catch_up_to(revision, NOW).await.unwrap();
    assert_equal(&tape, follower.rack());
    assert_eq!(tape.snapshots(), 1);
}

#[tokio::test]
async fn gap_reloads_snapshot() {
    let (tape, follower) = following(History::of_keys(1, 3));
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    let revision = tape.take(Step::Delete { key: 1 });
    tape.0.hole.store(true, Ordering::SeqCst);
    follower.catch_up_to(revision, NOW).await.unwrap();
    assert_equal(&tape, follower.rack());
    assert_eq!(tape.snapshots(), 2);
}

#[tokio::test]
async fn shorter_other_history_reloads_snapshot() {
    let (tape, follower) = following(History::of_keys(1, 5));
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    let lost = tape.with(|history| history.secrets[4].clone());
    assert!(ask(follower.rack(), &lost, NOW).is_ok());
    tape.with(|history| *history = History::of_keys(2, 2));
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    assert_equal(&tape, follower.rack());
    assert!(ask(follower.rack(), &lost, NOW).is_err());
    assert_eq!((tape.snapshots(), follower.rack().len()), (2, 2));
}

#[tokio::test]
async fn rack_is_stale_until_caught_up() {
    let (tape, follower) = following(History::of_keys(1, 1));
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    tape.0.fails.store(true, Ordering::SeqCst);
    follower.catch_up_to(Revision::default(), NOW).await.unwrap_err();
    assert!(!follower.rack().is_fresh());
    tape.0.fails.store(false, Ordering::SeqCst);
    tape.take(Step::Delete { key: 0 });
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    assert!(follower.rack().is_fresh());
    assert_eq!(tape.snapshots(), 1);
    assert_equal(&tape, follower.rack());
}

#[tokio::test]
async fn freshness_with_deadline_survives_feed_error() {
    let (tape, follower) = following(History::of_keys(1, 1));
    tape.trust(Freshness::FreshUntil(Moment::now().plus(Duration::from_mins(10))));
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    tape.0.fails.store(true, Ordering::SeqCst);
    follower.catch_up_to(Revision::default(), NOW).await.unwrap_err();
    assert!(follower.rack().is_fresh());
    tape.0.fails.store(false, Ordering::SeqCst);
    tape.trust(Freshness::FreshUntil(Moment::now()));
    follower.catch_up_to(Revision::default(), NOW).await.unwrap();
    assert!(!follower.rack().is_fresh());
}

#[tokio::test]
async fn concurrent_catch_ups_never_move_rack_back() {
    let (tape, follower) = following(History::of_keys(1, 40));
    let follower = Arc::new(follower);
    let asking = (0..40).map(|key| {
        let (tape, follower) = (tape.clone(), Arc::clone(&follower));
        tokio::spawn(async move {
            if key % 4 == 0 {
                tape.0.hole.store(true, Ordering::SeqCst);
            }
            let revision = tape.take(Step::Delete { key });
            follower.catch_up_to(revision, NOW).await.unwrap();
            assert!(follower.rack().position().revision >= revision);
            let secret = tape.with(|history| history.secrets[key].clone());
            assert!(ask(follower.rack(), &secret, NOW).is_err(), "{key}");
        })
    });
    for one in asking.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    assert_equal(&tape, follower.rack());
}
