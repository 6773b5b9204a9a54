//! On a disk with only reserved space left, deletions succeed and writes that add data are denied.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keyrack_key::{Digest, SessionId, UserId, WorkspaceId};
use keyrack_rack::{Outcome, SecretUsage};
use keyrack_store::{ChangeKey, DeleteKey, NewSession, Reserve, RotateKey, Store, StoreError};

use crate::{NOW, World, acme, ada, later, rng, secret};

/// A disk that is nearly full while the test sets the flag.
#[derive(Debug, Default)]
struct Disk {
    is_critical: AtomicBool,
    commits: AtomicUsize,
}

impl Reserve for Disk {
    fn admits_new_data(&self) -> bool {
        !self.is_critical.load(Ordering::Relaxed)
    }

    fn make_room_for_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    fn log_bytes_max(&self) -> Option<u64> {
        Some(64 * 1024)
    }

    fn ran_out(&self) {}
}

async fn world_on(disk: &Arc<Disk>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyrack.db");
    let store = Store::open_with_reserve(&path, rng(), Arc::<Disk>::clone(disk)).await.unwrap();
    let (owner, workspace) = (UserId::new(NOW, &mut rng()), WorkspaceId::new(NOW, &mut rng()));
    store.set_up(&ada(owner), &acme(workspace), NOW).await.unwrap();
    let store = store.as_operator();
    World { store, owner, workspace, folder }
}

fn denied<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::DiskFull)), "{result:?}");
    assert!(result.unwrap_err().is_disk_full());
}

#[tokio::test]
async fn deletions_succeed_on_a_nearly_full_disk() {
    let disk = Arc::new(Disk::default());
    let world = world_on(&disk).await;
    let [paused, rotated, deleted] = [world.key("1").await, world.key("2").await, world.key("3").await];
    let project = world.project("Caps").await;
    let upload = world.upload(project).await;
    let (store, workspace, actor) = (&world.store, world.workspace, world.actor());
    let rotate = |key: &keyrack_store::KeyRow| RotateKey {
        workspace,
        id: key.id,
        expected: key.revision,
        secret: secret(),
        retires_at: later(60),
        actor,
        now: NOW,
        idempotency_key: None,
    };
    let rotated = store.rotate_key(&rotate(&rotated)).await.unwrap();
    disk.is_critical.store(true, Ordering::Relaxed);

    denied(store.create_key(&world.new_key("4")).await);
    denied(store.create_project(&world.new_project("Lids")).await);
    denied(store.find_or_create_labels(project, &[], NOW).await);
    let outcome = Outcome { permission: None, denied: None };
    let used = SecretUsage {
        key: paused.id,
        secret: None,
        counts: vec![(outcome, 1)],
        last: None,
        exposures: Vec::new(),
    };
    denied(store.store_usage(&[used], NOW).await);

    let change = |key: &keyrack_store::KeyRow| {
        let (id, expected) = (key.id, key.revision);
        ChangeKey { workspace, id, expected, actor, now: NOW }
    };
    // Changes that a caller can repeat without end would use up the reserve.
    denied(store.pause_key(&change(&paused), Some(later(60))).await);
    let paused = store.pause_key(&change(&paused), None).await.unwrap();
    denied(store.pause_key(&change(&paused), None).await);
    denied(store.resume_key(&change(&paused)).await);
    denied(store.rotate_key(&rotate(&rotated)).await);
    store.retire_key(&change(&rotated)).await.unwrap();
    let delete = DeleteKey { workspace, id: deleted.id, reason: None, actor, now: NOW };
    store.delete_key(&delete).await.unwrap();
    let session = NewSession {
        id: SessionId::new(NOW, &mut rng()),
        digest: Digest::of(b"cookie"),
        user: world.owner,
        address: None,
        agent: None,
        now: NOW,
        expires_at: later(60),
    };
    store.create_session(&session).await.unwrap();
    assert!(store.end_session(world.owner, session.id).await.unwrap());
    store.delete_uploads(&[upload]).await.unwrap();
    store.delete_project(workspace, project, &["p".to_owned()], actor, NOW).await.unwrap();

    disk.is_critical.store(false, Ordering::Relaxed);
    world.key("4").await;
}

#[tokio::test]
async fn reserve_frees_space_before_each_commit() {
    let disk = Arc::new(Disk::default());
    let world = world_on(&disk).await;
    let before = disk.commits.load(Ordering::Relaxed);
    world.key("1").await;
    world.key("2").await;
    assert_eq!(disk.commits.load(Ordering::Relaxed), before + 2);
}
