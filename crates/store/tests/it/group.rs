//! Writes that share a commit: all of them are there, a bad one hurts only itself, and whoever goes away only itself.

use std::path::Path;

use futures_util::future::join_all;
use keyrack_key::KeyId;
use keyrack_rack::{Feed, Next, Position};
use keyrack_store::{Chain, NewKey, StoreError};

use crate::hang_up::hang_up_after;
use crate::{NOW, World, snapshot, world};

const CLIENTS: usize = 16;

/// How many commits the write-ahead log holds: the frame that ends one tells the size of the file, others tell 0.
fn commits(folder: &Path) -> usize {
    const HEAD: usize = 32;
    const FRAME: usize = 24 + 4096;
    let log = std::fs::read(folder.join("keyrack.db-wal")).unwrap();
    let salt = &log[16..24];
    log[HEAD..].chunks(FRAME).filter(|frame| frame[8..16] == *salt && frame[4..8] != [0; 4]).count()
}

impl World {
    /// Every revision is there once, each key is whole, and the audit tells of each.
    async fn is_whole(&self) -> Vec<KeyId> {
        let snapshot = snapshot(&self.store, NOW).await.unwrap();
        let Next::Frame(frame) = self.store.after(Position::default()).await.unwrap() else {
            panic!("the start is known");
        };
        let revisions: Vec<_> = frame.changes.iter().map(|record| record.revision.0).collect();
        assert_eq!(revisions, (1..=snapshot.position.revision.0).collect::<Vec<_>>());
        assert!(snapshot.records.iter().all(|record| record.secrets.len() == 1));
        // Two more: the workspace began, and its owner joined.
        let entries = snapshot.position.revision.0 + 2;
        assert_eq!(self.store.verify_chain(self.workspace).await.unwrap(), Chain::Whole { entries });
        snapshot.records.iter().map(|record| record.key).collect()
    }
}

#[tokio::test]
async fn writes_that_wait_for_each_other_share_one_commit_and_a_lone_one_has_its_own() {
    let world = world().await;
    let before = commits(world.folder.path());
    world.key("alone").await;
    world.key("alone again").await;
    assert_eq!(commits(world.folder.path()), before + 2);
    let keys: Vec<_> = (0..CLIENTS).map(|_| world.new_key("together")).collect();
    let made = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(commits(world.folder.path()), before + 3);
    let revisions: Vec<_> = made.into_iter().map(|key| key.unwrap().revision.0).collect();
    assert_eq!(revisions, (3..3 + CLIENTS as u64).collect::<Vec<_>>(), "in the order in which they came");
    assert_eq!(world.is_whole().await.len(), 2 + CLIENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_clients_make_at_once_is_all_there() {
    let world = std::sync::Arc::new(world().await);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut made = Vec::new();
                for _ in 0..20 {
                    made.push(world.key("CI").await.id);
                }
                made
            })
        })
        .collect();
    let there = world_after(clients, &world).await;
    assert_eq!(there.len(), CLIENTS * 20);
}

async fn world_after(clients: Vec<tokio::task::JoinHandle<Vec<KeyId>>>, world: &World) -> Vec<KeyId> {
    let mut made = Vec::new();
    for client in clients {
        made.extend(client.await.unwrap());
    }
    let there = world.is_whole().await;
    assert!(made.iter().all(|id| there.contains(id)));
    there
}

#[tokio::test]
async fn one_that_fails_undoes_itself_and_no_other_of_its_group() {
    let world = world().await;
    let taken = world.new_key("first");
    world.store.create_key(&taken).await.unwrap();
    let before = commits(world.folder.path());
    // Its audit entry is written before its secret turns out to be another key's.
    let keys: Vec<_> = (0..CLIENTS)
        .map(|number| match number % 4 {
            0 => NewKey { secret: taken.secret, ..world.new_key("bad") },
            _ => world.new_key("good"),
        })
        .collect();
    let made = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    for (number, made) in made.iter().enumerate() {
        assert_eq!(made.is_ok(), number % 4 != 0, "{number}: {made:?}");
    }
    assert_eq!(commits(world.folder.path()), before + 1);
    assert_eq!(world.is_whole().await.len(), 1 + CLIENTS / 4 * 3);
}

#[tokio::test]
async fn a_commit_that_fails_fails_all_of_its_group_and_the_next_one_works() {
    let world = world().await;
    let console = world.console();
    // A row that nobody makes, and that only the commit finds wrong.
    console
        .execute_batch(
            "CREATE TABLE torn (key_id TEXT REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER torn_key AFTER INSERT ON keys WHEN NEW.name = 'torn'
         BEGIN INSERT INTO torn (key_id) VALUES ('key_nowhere'); END;",
        )
        .unwrap();
    let keys = ["fine", "torn", "fine too"].map(|name| world.new_key(name));
    let made = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    assert!(made.iter().all(|made| matches!(made, Err(StoreError::Commit(_)))), "{made:?}");
    assert!(world.is_whole().await.is_empty());
    world.key("next").await;
    assert_eq!(world.is_whole().await.len(), 1);
}

#[tokio::test]
async fn when_sqlite_gives_the_transaction_up_all_of_the_group_hear_it() {
    let world = world().await;
    let console = world.console();
    // As SQLite does by itself when the disk is full.
    console
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON keys WHEN NEW.name = 'full'
         BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END;",
        )
        .unwrap();
    let keys = ["first", "full", "later"].map(|name| world.new_key(name));
    let made = join_all(keys.iter().map(|new| world.store.create_key(new))).await;
    assert!(matches!(made[0], Err(StoreError::Commit(_))), "{made:?}");
    assert!(matches!(made[1], Err(StoreError::Database(_))), "{made:?}");
    // It had not begun: it belongs to the next group.
    assert!(made[2].is_ok(), "{made:?}");
    assert_eq!(world.is_whole().await, [keys[2].id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_within_a_group_hurt_nobody_else() {
    let world = world().await;
    let (mut finished, mut dropped) = (Vec::new(), 0);
    for round in 0..40 {
        let keys: Vec<_> = (0..CLIENTS).map(|_| world.new_key("CI")).collect();
        // Half of them stay; each of the others goes after another number of steps.
        let work = keys.iter().enumerate().map(|(number, new)| {
            let steps = if number % 2 == 0 { usize::MAX } else { (round * 7 + number * 13) % 12 };
            hang_up_after(steps, world.store.create_key(new))
        });
        for (number, done) in join_all(work).await.into_iter().enumerate() {
            assert!(done || number % 2 == 1);
            if done { finished.push(keys[number].id) } else { dropped += 1 }
        }
    }
    assert!(dropped > 40, "{dropped}");
    let there = world.is_whole().await;
    assert!(finished.iter().all(|id| there.contains(id)));
    assert!(there.len() <= 40 * CLIENTS);
}
