//! Writes that share a commit: all are stored, and a failed or dropped write affects only itself.

use std::path::Path;

use futures_util::future::join_all;
use keyrack_key::KeyId;
use keyrack_rack::{Feed, FeedUpdate, Position};
use keyrack_store::{ChainStatus, NewKey, StoreError};

use crate::dropped_callers::poll_then_drop;
use crate::{NOW, World, snapshot, world};

const CLIENTS: usize = 16;

/// Counts the commits in the write-ahead log. The last frame of a commit has the size of the file, other frames have
/// 0.
fn commits(folder: &Path) -> usize {
    const HEAD: usize = 32;
    const FRAME: usize = 24 + 4096;
    let log = std::fs::read(folder.join("keyrack.db-wal")).unwrap();
    let salt = &log[16..24];
    log[HEAD..].chunks(FRAME).filter(|frame| frame[8..16] == *salt && frame[4..8] != [0; 4]).count()
}

impl World {
    /// Checks that every revision occurs once, each key is complete, and each has its audit entry.
    async fn is_whole(&self) -> Vec<KeyId> {
        let snapshot = snapshot(&self.store, NOW).await.unwrap();
        let FeedUpdate::Frame(frame) = self.store.after(Position::default()).await.unwrap() else {
            panic!("the feed knows its start");
        };
        let revisions: Vec<_> = frame.changes.iter().map(|record| record.revision.0).collect();
        assert_eq!(revisions, (1..=snapshot.position.revision.0).collect::<Vec<_>>());
        assert!(snapshot.records.iter().all(|record| record.secrets.len() == 1));
        // Two more entries: the workspace was created, and its owner joined.
        let entries = snapshot.position.revision.0 + 2;
        assert_eq!(self.store.verify_chain(self.workspace).await.unwrap(), ChainStatus::Whole { entries });
        snapshot.records.iter().map(|record| record.key).collect()
    }
}

#[tokio::test]
async fn waiting_writes_share_a_commit_and_a_single_write_has_its_own() {
    let world = world().await;
    let before = commits(world.folder.path());
    world.key("alone").await;
    world.key("alone again").await;
    assert_eq!(commits(world.folder.path()), before + 2);
    let keys: Vec<_> = (0..CLIENTS).map(|_| world.new_key("together")).collect();
    let created = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    assert!(created.iter().all(Result::is_ok));
    assert_eq!(commits(world.folder.path()), before + 3);
    let revisions: Vec<_> = created.into_iter().map(|key| key.unwrap().revision.0).collect();
    assert_eq!(
        revisions,
        (3..3 + CLIENTS as u64).collect::<Vec<_>>(),
        "revisions follow the order of the calls"
    );
    assert_eq!(world.is_whole().await.len(), 2 + CLIENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_creations_are_all_stored() {
    let world = std::sync::Arc::new(world().await);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut created = Vec::new();
                for _ in 0..20 {
                    created.push(world.key("CI").await.id);
                }
                created
            })
        })
        .collect();
    let stored = world_after(clients, &world).await;
    assert_eq!(stored.len(), CLIENTS * 20);
}

async fn world_after(clients: Vec<tokio::task::JoinHandle<Vec<KeyId>>>, world: &World) -> Vec<KeyId> {
    let mut created = Vec::new();
    for client in clients {
        created.extend(client.await.unwrap());
    }
    let stored = world.is_whole().await;
    assert!(created.iter().all(|id| stored.contains(id)));
    stored
}

#[tokio::test]
async fn failed_write_rolls_back_alone() {
    let world = world().await;
    let taken = world.new_key("first");
    world.store.create_key(&taken).await.unwrap();
    let before = commits(world.folder.path());
    // The audit entry is written before the database rejects the secret, which belongs to another key.
    let keys: Vec<_> = (0..CLIENTS)
        .map(|number| match number % 4 {
            0 => NewKey { secret: taken.secret.clone(), ..world.new_key("bad") },
            _ => world.new_key("good"),
        })
        .collect();
    let created = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    for (number, created) in created.iter().enumerate() {
        assert_eq!(created.is_ok(), number % 4 != 0, "{number}: {created:?}");
    }
    assert_eq!(commits(world.folder.path()), before + 1);
    assert_eq!(world.is_whole().await.len(), 1 + CLIENTS / 4 * 3);
}

#[tokio::test]
async fn failed_commit_fails_its_group_and_the_next_one_works() {
    let world = world().await;
    let console = world.console();
    // Only the commit detects that this row is invalid.
    console
        .execute_batch(
            "CREATE TABLE torn (key_id TEXT REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER torn_key AFTER INSERT ON keys WHEN NEW.name = 'torn'
         BEGIN INSERT INTO torn (key_id) VALUES ('key_nowhere'); END;",
        )
        .unwrap();
    let keys = ["fine", "torn", "fine too"].map(|name| world.new_key(name));
    let created = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    assert!(created.iter().all(|created| matches!(created, Err(StoreError::Commit(_)))), "{created:?}");
    assert!(world.is_whole().await.is_empty());
    world.key("next").await;
    assert_eq!(world.is_whole().await.len(), 1);
}

#[tokio::test]
async fn rolled_back_transaction_fails_the_whole_group() {
    let world = world().await;
    let console = world.console();
    // SQLite does the same when the disk is full.
    console
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON keys WHEN NEW.name = 'full'
         BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END;",
        )
        .unwrap();
    let keys = ["first", "full", "later"].map(|name| world.new_key(name));
    let created = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    assert!(matches!(created[0], Err(StoreError::Commit(_))), "{created:?}");
    assert!(matches!(created[1], Err(StoreError::Database(_))), "{created:?}");
    // This write hadn't started, so it belongs to the next group.
    assert!(created[2].is_ok(), "{created:?}");
    assert_eq!(world.is_whole().await, [keys[2].id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_callers_do_not_affect_their_group() {
    let world = world().await;
    let (mut finished, mut dropped) = (Vec::new(), 0);
    for round in 0..40 {
        let keys: Vec<_> = (0..CLIENTS).map(|_| world.new_key("CI")).collect();
        // Half of the callers stay. The others are dropped, each after a different number of polls.
        let work = keys.iter().enumerate().map(|(number, new)| {
            let steps = if number % 2 == 0 { usize::MAX } else { (round * 7 + number * 13) % 12 };
            poll_then_drop(steps, world.store.create_key(new))
        });
        for (number, done) in join_all(work).await.into_iter().enumerate() {
            assert!(done || number % 2 == 1);
            if done { finished.push(keys[number].id) } else { dropped += 1 }
        }
    }
    assert!(dropped > 40, "{dropped}");
    let stored = world.is_whole().await;
    assert!(finished.iter().all(|id| stored.contains(id)));
    assert!(stored.len() <= 40 * CLIENTS);
}
