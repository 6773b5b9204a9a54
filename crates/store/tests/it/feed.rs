//! The feed has no gaps, is ordered, and belongs to one history.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyrack_key::{KeyId, KeyState};
use keyrack_rack::{ChangeId, Feed, FeedUpdate, Frame, KeyRecord, Position, Revision, TOMBSTONE_LIFE};
use keyrack_store::{DeleteKey, RotateKey, StoreError};

use crate::{NOW, World, later, secret, snapshot, world};

impl World {
    async fn frame(&self, position: Position) -> Frame {
        match self.store.after(position).await.unwrap() {
            FeedUpdate::Frame(frame) => frame,
            FeedUpdate::Reload => panic!("the feed does not know {position:?}"),
        }
    }

    async fn delete_by_id(&self, id: KeyId) {
        let delete = DeleteKey { workspace: self.workspace, id, reason: None, actor: self.actor(), now: NOW };
        self.store.delete_key(&delete).await.unwrap();
    }

    async fn rotated(&self, id: KeyId, expected: Revision) -> Revision {
        let rotate = RotateKey {
            workspace: self.workspace,
            id,
            expected,
            secret: secret(),
            retires_at: later(60),
            actor: self.actor(),
            now: NOW,
            idempotency_key: None,
        };
        self.store.rotate_key(&rotate).await.unwrap().revision
    }
}

#[tokio::test]
async fn empty_store_is_at_the_first_position() {
    let world = world().await;
    let snapshot = snapshot(&world.store, NOW).await.unwrap();
    assert_eq!(snapshot.position, Position::default());
    assert!(snapshot.records.is_empty());
    let frame = world.frame(Position::default()).await;
    assert_eq!(frame.to, Position::default());
}

#[tokio::test]
async fn key_changed_twice_occurs_once_in_a_frame() {
    let world = world().await;
    let first = world.key("first").await;
    let start = world.frame(Position::default()).await.to;
    let second = world.key("second").await;
    let revision = world.rotated(first.id, first.revision).await;
    world.rotated(first.id, revision).await;
    let frame = world.frame(start).await;
    assert_eq!((frame.from, frame.to.revision), (start, Revision(4)));
    let changed: Vec<_> = frame.changes.iter().map(|record| (record.key, record.revision)).collect();
    assert_eq!(changed, [(second.id, Revision(2)), (first.id, Revision(4))]);
    assert_eq!(frame.changes[1].secrets.len(), 3);
    assert!(world.frame(frame.to).await.changes.is_empty());
}

#[tokio::test]
async fn position_of_another_history_requires_reload() {
    let world = world().await;
    world.key("CI").await;
    let here = world.frame(Position::default()).await.to;
    for position in [
        Position { change: ChangeId([7; 16]), ..here },
        Position { change: ChangeId([7; 16]), ..Position::default() },
        Position { revision: Revision(2), ..here },
        Position { revision: Revision(u64::MAX), ..here },
    ] {
        assert!(matches!(world.store.after(position).await.unwrap(), FeedUpdate::Reload), "{position:?}");
    }
}

#[tokio::test]
async fn old_tombstones_are_left_out_of_the_snapshot() {
    let world = world().await;
    let key = world.key("CI").await;
    world.delete_by_id(key.id).await;
    let records = snapshot(&world.store, NOW).await.unwrap().records;
    assert!(matches!(records[..], [KeyRecord { terms: KeyState { deleted_at: Some(NOW), .. }, .. }]));
    assert!(snapshot(&world.store, later(1)).await.unwrap().records.is_empty());
}

#[tokio::test]
async fn snapshot_of_several_batches_is_complete_or_fails() {
    let world = world().await;
    for number in 1..=2_100 {
        let key = world.key(&format!("line {number}")).await;
        // Keys with two secrets at the end of a batch and at the start of the next.
        if number == 1_000 || number == 1_001 {
            world.rotated(key.id, key.revision).await;
        }
    }
    let whole = snapshot(&world.store, NOW).await.unwrap();
    let mut revisions: Vec<_> = whole.records.iter().map(|record| record.revision.0).collect();
    revisions.sort_unstable();
    let expected: Vec<_> = (1..=2_102).filter(|revision| ![1_000, 1_002].contains(revision)).collect();
    assert_eq!(revisions, expected);
    let with_two: Vec<_> = whole.records.iter().filter(|record| record.secrets.len() == 2).collect();
    assert_eq!(with_two.iter().map(|record| record.revision.0).collect::<Vec<_>>(), [1_001, 1_003]);
    let unreadable = "PRAGMA ignore_check_constraints = ON; DROP TRIGGER keys_change_with_a_change;
        UPDATE keys SET permissions = -1 WHERE revision = 1500;";
    world.console().execute_batch(unreadable).unwrap();
    let error = snapshot(&world.store, NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { what: "permissions" }), "{error}");
}

/// Keys by ID, with their secrets in a fixed order.
fn sorted(records: Vec<KeyRecord>) -> BTreeMap<KeyId, KeyRecord> {
    records
        .into_iter()
        .map(|mut record| {
            record.secrets.sort_by_key(|secret| secret.0);
            (record.key, record)
        })
        .collect()
}

#[tokio::test]
async fn replaying_all_frames_equals_the_snapshot() {
    let world = world().await;
    let (mut position, mut replayed) = (Position::default(), BTreeMap::new());
    for round in 0..30 {
        let key = world.key(&format!("key {round}")).await;
        if round % 3 == 0 {
            world.rotated(key.id, key.revision).await;
        }
        if round % 4 == 0 {
            world.delete_by_id(key.id).await;
        }
        if round % 5 == 0 {
            let frame = world.frame(position).await;
            position = frame.to;
            replayed.extend(sorted(frame.changes));
        }
    }
    let last = world.frame(position).await;
    replayed.extend(sorted(last.changes));
    let snapshot = snapshot(&world.store, NOW.minus(TOMBSTONE_LIFE)).await.unwrap();
    assert_eq!(snapshot.position, last.to);
    assert_eq!(sorted(snapshot.records), replayed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_leave_no_gap_in_revisions() {
    let world = Arc::new(world().await);
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut taken = Vec::new();
                for _ in 0..4 {
                    let key = world.key("CI").await;
                    taken.push(key.revision);
                    taken.push(world.rotated(key.id, key.revision).await);
                }
                assert!(taken.is_sorted());
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for writer in writers {
        taken.extend(writer.await.unwrap());
    }
    taken.sort_unstable();
    assert_eq!(taken, (1..=128).map(Revision).collect::<Vec<_>>());
    assert_eq!(world.frame(Position::default()).await.to.revision, Revision(128));
}
