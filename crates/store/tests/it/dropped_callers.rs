//! Callers that go away, and the database file.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use keyrack_key::{Brands, Class, Secret};
use keyrack_rack::{Feed, FeedUpdate, Position};
use keyrack_store::{ChainStatus, NewKey, NewSecret, Store};

use crate::{NOW, rng, snapshot, world};

/// Polls `future` up to `steps` times and drops it.
pub(crate) async fn poll_then_drop(steps: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    for _ in 0..steps {
        if poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await {
            return true;
        }
        // The disk and other writes continue in the meantime.
        std::thread::sleep(Duration::from_micros(60));
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_write_is_all_or_nothing_and_writer_keeps_working() {
    let world = world().await;
    let (mut finished, mut dropped) = (0, 0);
    for steps in (0..12).cycle().take(90) {
        if poll_then_drop(steps, world.store.create_key(&world.new_key("left"))).await {
            finished += 1;
        } else {
            dropped += 1;
        }
        world.key("stays").await;
    }
    assert!(finished > 5 && dropped > 5, "{finished} finished, {dropped} dropped");
    let snapshot = snapshot(&world.store, NOW).await.unwrap();
    assert_eq!(snapshot.position.revision.0, snapshot.records.len() as u64);
    assert!(snapshot.records.iter().all(|record| record.secrets.len() == 1));
    let FeedUpdate::Frame(frame) = world.store.after(Position::default()).await.unwrap() else {
        panic!("the feed knows its start");
    };
    assert_eq!(frame.changes.len(), snapshot.records.len());
    let entries = snapshot.position.revision.0 + 2;
    assert_eq!(world.store.verify_chain(world.workspace).await.unwrap(), ChainStatus::Whole { entries });
}

#[tokio::test]
async fn closed_store_has_written_its_data_and_rejects_writes() {
    let world = world().await;
    let key = world.key("CI").await;
    world.store.close().await;
    assert!(world.store.key(world.workspace, key.id).await.is_err());
    let path = world.folder.path().join("keyrack.db");
    let again = Store::open(&path, rng()).await.unwrap();
    assert!(again.key(world.workspace, key.id).await.unwrap().is_some());
}

#[tokio::test]
async fn database_files_contain_no_secret_and_are_private() {
    let world = world().await;
    let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng());
    let new = NewKey { secret: NewSecret::of(&secret), ..world.new_key("CI") };
    world.store.create_key(&new).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let body = &secret.expose().as_bytes()[6..];
        for part in [&body[..8], &body[8..16], &body[24..32]] {
            assert!(!bytes.windows(part.len()).any(|window| window == part), "{entry:?}");
        }
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600, "{entry:?}");
        }
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log, and the index of the log");
}
