use std::io::ErrorKind;

use super::*;

const GB: u64 = 1 << 30;

/// A disk that was found to have `free` bytes, and is not measured again while the test runs.
fn disk(reserve: u64, free: u64) -> Disk {
    let disk = Disk::watch(Path::new("/nowhere at all"), reserve);
    let far = Instant::now() + Duration::from_hours(1);
    *disk.measured.lock() = Measured { at: far, free, free_for_files: free };
    disk
}

#[test]
fn new_data_is_denied_before_it_would_touch_the_reserve() {
    let disk = disk(GB, GB + 100);
    assert_eq!(disk.admit(60), Ok(()));
    assert_eq!(disk.admit(60), Err(DiskLow), "what was admitted a moment ago counts");
    assert_eq!(disk.admit(40), Ok(()));
    assert!(!disk.is_low());
    assert_eq!(disk.admit(1), Err(DiskLow));
    assert_eq!(disk.denied(), 2);
}

#[test]
fn small_writes_go_on_below_the_reserve_and_stop_at_an_eighth_of_it() {
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
fn without_a_reserve_nothing_is_denied() {
    let disk = disk(0, 0);
    assert!(disk.admit(GB).is_ok() && disk.admits_new_data() && !disk.is_low());
}

#[test]
fn a_full_disk_is_known_by_any_cause() {
    let full = io::Error::from(ErrorKind::StorageFull);
    assert!(is_disk_full(&full));
    assert!(is_disk_full(&io::Error::from(ErrorKind::QuotaExceeded)));
    assert!(is_disk_full(&crate::objects::ObjectError::Folder(full)));
    assert!(!is_disk_full(&io::Error::from(ErrorKind::NotFound)));
}
