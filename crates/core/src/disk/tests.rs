use std::io::ErrorKind;
use std::sync::{Arc, mpsc};
use std::thread;

use super::*;

const GB: u64 = 1 << 30;

/// A disk with `free` bytes that is not measured again during the test.
fn disk(reserve: u64, free: u64) -> Disk {
    let disk = Disk::watch(Path::new("/nowhere at all"), Some(reserve));
    let next_measurement = Instant::now() + Duration::from_hours(1);
    *disk.measured.lock() = SpaceMeasurement { at: next_measurement, free, free_for_files: free };
    disk
}

#[test]
fn new_data_is_denied_if_it_would_use_the_reserve() {
    let disk = disk(GB, GB + 100);
    assert_eq!(disk.admit(60), Ok(()));
    assert_eq!(disk.admit(60), Err(DiskLow), "earlier admissions count");
    assert_eq!(disk.admit(40), Ok(()));
    assert!(!disk.is_low());
    assert_eq!(disk.admit(1), Err(DiskLow));
    assert_eq!(disk.denied(), 2);
}

#[test]
fn small_writes_stop_at_an_eighth_of_the_reserve() {
    for (free, is_low, admits) in [
        (GB, false, true),
        (GB - 1, true, true),
        (GB / 8, true, true),
        (GB / 8 - 1, true, false),
        (0, true, false),
    ] {
        let disk = disk(GB, free);
        assert_eq!((disk.is_low(), disk.admits_new_data()), (is_low, admits), "{free}");
    }
}

#[test]
fn disk_without_reserve_denies_nothing() {
    let disk = disk(0, 0);
    assert!(disk.admit(GB).is_ok() && disk.admits_new_data() && !disk.is_low());
}

/// The report of a half-full file system of this many megabytes, in blocks of 4 KB and without file counts.
fn reported(megabytes: u64) -> StatVfs {
    let blocks = megabytes * MEGABYTE / 4_000;
    StatVfs {
        f_bsize: 4_000,
        f_frsize: 4_000,
        f_blocks: blocks,
        f_bfree: blocks / 2,
        f_bavail: blocks / 2,
        f_files: 0,
        f_ffree: 0,
        f_favail: 0,
        f_fsid: 0,
        f_flag: rustix::fs::StatVfsMountFlags::empty(),
        f_namemax: 255,
    }
}

#[test]
fn default_reserve_depends_on_disk_size() {
    for (megabytes, reserve) in [(100, 8), (1_000, 50), (1_039, 51), (5_000, 250), (8_000, 256), (0, 256)] {
        assert_eq!(default_reserve(size_of_disk(&reported(megabytes))), reserve * MEGABYTE, "{megabytes}");
    }
    assert_eq!(Disk::watch(Path::new("/nowhere at all"), None).reserve(), 256 * MEGABYTE);
    assert_eq!(Disk::watch(Path::new("/"), Some(9)).reserve(), 9);
}

#[test]
fn file_system_without_block_count_is_not_full() {
    assert_eq!(free_of(&reported(0)), u64::MAX);
    assert_eq!(free_of(&reported(8)), 4 * MEGABYTE);
    assert_eq!(free_of(&StatVfs { f_bavail: 0, ..reported(8) }), 0);
}

#[test]
fn commit_does_not_wait_for_filling_reserve_file() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::with_reserve_file(folder.path(), Some(8 * MEGABYTE)));
    let file_lock = disk.file.as_ref().unwrap().file.lock();
    let (done, is_done) = mpsc::channel();
    let other = Arc::clone(&disk);
    thread::spawn(move || {
        other.make_room_for_commit();
        done.send(other.reserved())
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(30)), Ok(2 * MEGABYTE));
    drop(file_lock);
}

#[test]
fn reserve_is_released_by_commits_not_by_checks() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Disk::with_reserve_file(folder.path(), Some(8 * MEGABYTE));
    // A commit then needs more space than any disk has.
    disk.file.as_mut().unwrap().piece = u64::MAX;
    (0..10).for_each(|_| disk.check());
    assert_eq!(disk.reserved(), 2 * MEGABYTE);
    disk.make_room_for_commit();
    assert_eq!(disk.reserved(), 0);
}

#[test]
fn full_disk_is_recognized_from_each_error() {
    let full = io::Error::from(ErrorKind::StorageFull);
    assert!(is_disk_full(&full));
    assert!(is_disk_full(&io::Error::from(ErrorKind::QuotaExceeded)));
    assert!(is_disk_full(&crate::objects::ObjectError::Folder(full)));
    assert!(!is_disk_full(&io::Error::from(ErrorKind::NotFound)));
}
