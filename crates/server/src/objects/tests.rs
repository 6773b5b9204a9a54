use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::TryStreamExt;
use keyrack_core::objects::{ObjectPath, project_prefix};
use keyrack_key::{ImportId, ProjectId, Timestamp, UploadId};

use super::folder::{PIECE, remove_partial_files};
use super::*;

fn objects_in(folder: &tempfile::TempDir) -> Objects {
    open(folder.path(), Arc::new(Disk::watch(folder.path(), Some(0)))).unwrap()
}

#[tokio::test]
async fn removal_below_prefix_keeps_other_objects() {
    let folder = tempfile::tempdir().unwrap();
    let objects = objects_in(&folder);
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let now = Timestamp::from_micros(1);
    let (project, other) = (ProjectId::new(now, &mut rng), ProjectId::new(now, &mut rng));
    let upload = UploadId::new(now, &mut rng);
    for path in [
        ObjectPath::staged(project, upload),
        ObjectPath::image(project, upload),
        ObjectPath::image(other, upload),
    ] {
        objects.put(&path, Bytes::from_static(b"pixels")).await.unwrap();
    }
    assert_eq!(objects.remove_below(&project_prefix(project)).await.unwrap(), 2);
    assert!(matches!(objects.read(&ObjectPath::image(project, upload)).await, Err(ObjectError::NotFound)));
    assert_eq!(objects.read(&ObjectPath::image(other, upload)).await.unwrap(), &b"pixels"[..]);
    assert_eq!(objects.remove_below(&project_prefix(project)).await.unwrap(), 0);
    objects.remove(&ObjectPath::thumbnail(other, upload)).await.unwrap();
}

#[tokio::test]
async fn object_read_in_pieces_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let objects = objects_in(&folder);
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let now = Timestamp::from_micros(1);
    let path = ObjectPath::image(ProjectId::new(now, &mut rng), UploadId::new(now, &mut rng));
    for size in [0, 1, PIECE, 3 * PIECE + 7] {
        let bytes: Bytes = (0..size).map(|at| at.to_le_bytes()[at % 3]).collect();
        objects.put(&path, bytes.clone()).await.unwrap();
        let object = objects.open(&path).await.unwrap();
        assert_eq!(object.size(), size as u64);
        let pieces: Vec<_> = object.into_pieces().try_collect().await.unwrap();
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(pieces.concat(), bytes);
    }
}

#[tokio::test]
async fn spooled_object_exists_only_after_finish() {
    let folder = tempfile::tempdir().unwrap();
    let objects = objects_in(&folder);
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let now = Timestamp::from_micros(1);
    let path = ObjectPath::archive(ProjectId::new(now, &mut rng), ImportId::new(now, &mut rng));
    let mut dropped = objects.spool(&path).await.unwrap();
    dropped.write(b"lost").await.unwrap();
    // The dropped writer removes its partial file, so the next writer can create the same file.
    drop(dropped);
    let mut spool = objects.spool(&path).await.unwrap();
    for piece in [&b"arc"[..], b"hive"] {
        spool.write(piece).await.unwrap();
        assert!(matches!(objects.open_file(&path).await, Err(ObjectError::NotFound)));
    }
    spool.finish().await.unwrap();
    assert_eq!(std::io::read_to_string(objects.open_file(&path).await.unwrap()).unwrap(), "archive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_removals_of_one_prefix_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let objects = objects_in(&folder);
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let now = Timestamp::from_micros(1);
    let project = ProjectId::new(now, &mut rng);
    for _ in 0..100 {
        let path = ObjectPath::image(project, UploadId::new(now, &mut rng));
        objects.put(&path, Bytes::from_static(b"pixels")).await.unwrap();
    }
    let remove = || {
        let objects = objects.clone();
        tokio::spawn(async move { objects.remove_below(&project_prefix(project)).await })
    };
    let all: Vec<_> = (0..4).map(|_| remove()).collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert!(!folder.path().join(project_prefix(project)).exists());
}

#[test]
fn sweep_ignores_partial_files_removed_concurrently() {
    let folder = tempfile::tempdir().unwrap();
    // Later than the modification time of any file that the test writes.
    let (old, new) =
        (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 1_000));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                // The sweep lists all files at once and then checks each file.
                let files = (0..50).map(|number| folder.path().join(format!("image#{number}")));
                files.clone().for_each(|file| std::fs::write(file, "x").unwrap());
                files.for_each(|file| drop(std::fs::remove_file(file)));
            }
        });
        let swept = (0..1_000).try_for_each(|_| {
            remove_partial_files(folder.path(), old)?;
            remove_partial_files(folder.path(), new)
        });
        is_done.store(true, Ordering::Relaxed);
        swept.unwrap();
    });
}
