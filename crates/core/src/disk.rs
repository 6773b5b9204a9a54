//! Measures the free space of the disk that holds the data folder. The server denies new data while space is low, so
//! that keys can still be deleted and paused.
//!
//! There are two thresholds. Below the *reserve* (`--disk-reserve-mb`), the server denies images, archives and training
//! runs, which are what fills disks. Below an eighth of the reserve, the server denies every write that adds data,
//! usage included. The remaining space is for deletions, pauses, revocations, sign-ins and the audit log. Other
//! programs may fill the disk to its last byte, so a file in the data folder occupies more space for these writes:
//! `ReserveFile` releases its space piece by piece.

mod reserve_file;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyrack_store::Reserve;
use parking_lot::Mutex;
use rustix::fs::{StatVfs, statvfs};

use reserve_file::ReserveFile;

/// A measurement of free space is valid for this long.
const FRESH: Duration = Duration::from_millis(100);
/// A disk that stays low is logged once per interval.
const LOG_AGAIN: Duration = Duration::from_mins(1);
/// Every object is a file: the disk accepts no new objects while fewer files than this can be created.
const FILES_LEFT_MIN: u64 = 1_000;
const MEGABYTE: u64 = 1_000_000;
/// The default reserve is the disk size divided by this number, within the bounds below in bytes. Writes can use up
/// less than 8 MB between two measurements.
const RESERVE_PART: u64 = 20;
const RESERVE_DEFAULT_MIN: u64 = 8 * MEGABYTE;
const RESERVE_DEFAULT_MAX: u64 = 256 * MEGABYTE;
/// The server denies all writes that add data below the reserve divided by this number.
const CRITICAL_PART: u64 = 8;

/// The disk that holds the data folder.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    /// In bytes; 0 disables all checks.
    reserve: u64,
    /// `None` in a process without the folder's lock, with a reserve of 0, or if the file cannot be used.
    file: Option<SharedFile>,
    measured: Mutex<SpaceMeasurement>,
    logged_at: Mutex<Option<Instant>>,
    denied: AtomicU64,
}

/// The reserve file. `piece` and `len` are read often, so they are outside the lock, which is held while
/// the file is filled.
#[derive(Debug)]
struct SharedFile {
    /// Bytes released at once.
    piece: u64,
    /// Bytes that the file occupies.
    len: AtomicU64,
    file: Mutex<ReserveFile>,
}

/// The free space at one moment, minus the bytes admitted since.
#[derive(Clone, Copy, Debug)]
struct SpaceMeasurement {
    at: Instant,
    /// Bytes free for the database.
    free: u64,
    /// Bytes free for new objects.
    free_for_files: u64,
}

/// New data was denied because the disk is nearly full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk is nearly full")]
pub struct DiskLow;

impl SharedFile {
    fn new(file: ReserveFile) -> Self {
        Self { piece: file.piece(), len: AtomicU64::new(file.len()), file: Mutex::new(file) }
    }

    /// Runs `work` with exclusive access to the file, then updates `len`.
    fn with<T>(&self, work: impl FnOnce(&mut ReserveFile) -> T) -> T {
        let mut file = self.file.lock();
        let done = work(&mut file);
        self.len.store(file.len(), Ordering::Relaxed);
        done
    }
}

impl SpaceMeasurement {
    fn of(folder: &Path) -> Self {
        let (free, free_for_files) = (free_bytes(folder), free_bytes_for_files(folder));
        Self { at: Instant::now(), free, free_for_files }
    }
}

impl Disk {
    /// Watches the disk under `folder` and holds the reserve file there. Only the process that holds the folder's lock
    /// calls this. If the disk is already full, this releases part of the reserve file so that the database can be
    /// opened. `reserve` is in bytes; `None` derives the reserve from the size of the disk.
    pub fn with_reserve_file(folder: &Path, reserve: Option<u64>) -> Self {
        let reserve = reserve_of(folder, reserve);
        let file = if reserve == 0 {
            ReserveFile::remove(folder).map(|()| None)
        } else {
            ReserveFile::open(folder, reserve).map(Some)
        };
        let file = file.unwrap_or_else(|error| {
            tracing::warn!(%error, "the disk reserve can't be used: on a full disk, deleting keys may fail");
            None
        });
        let disk = Self::new(folder, reserve, file.map(SharedFile::new));
        disk.make_room_for_commit();
        disk.refill();
        disk
    }

    /// Watches the disk under `folder` without a reserve file, for a process that does not hold the folder's lock.
    pub fn watch(folder: &Path, reserve: Option<u64>) -> Self {
        Self::new(folder, reserve_of(folder, reserve), None)
    }

    fn new(folder: &Path, reserve: u64, file: Option<SharedFile>) -> Self {
        let measured = SpaceMeasurement::of(folder);
        Self {
            folder: folder.to_owned(),
            reserve,
            file,
            measured: Mutex::new(measured),
            logged_at: Mutex::default(),
            denied: AtomicU64::new(0),
        }
    }

    /// Subtracts `bytes` of new data from the free space. Returns [`DiskLow`] if less than the reserve would remain.
    pub fn admit(&self, bytes: u64) -> Result<(), DiskLow> {
        if self.reserve == 0 {
            return Ok(());
        }
        let mut measured = self.fresh();
        if measured.free_for_files < self.reserve.saturating_add(bytes) {
            self.denied.fetch_add(1, Ordering::Relaxed);
            return Err(DiskLow);
        }
        measured.free_for_files -= bytes;
        measured.free = measured.free.saturating_sub(bytes);
        Ok(())
    }

    /// Returns whether new images, archives and training runs are denied.
    pub fn is_low(&self) -> bool {
        self.reserve > 0 && self.fresh().free_for_files < self.reserve
    }

    /// Returns whether every write that adds data is denied because only reserved space is left.
    pub fn is_critical(&self) -> bool {
        self.reserve > 0 && self.fresh().free < self.reserve / CRITICAL_PART
    }

    /// Bytes that the server may still use, without the reserve file; 0 if the disk cannot hold more files.
    pub fn available(&self) -> u64 {
        self.fresh().free_for_files
    }

    /// The free space in bytes below which images, archives and training runs are denied; 0 disables the check.
    pub const fn reserve(&self) -> u64 {
        self.reserve
    }

    /// Bytes in the reserve file.
    pub fn reserved(&self) -> u64 {
        self.file.as_ref().map_or(0, |file| file.len.load(Ordering::Relaxed))
    }

    /// How many times new data was denied since the process started.
    pub fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }

    /// Fills the reserve file again if there is space, and logs a low disk at most once a minute. Call this every
    /// second, on a thread that may block. This releases no space: a program that keeps writing would consume the whole
    /// reserve within seconds, before a commit needs the space.
    pub fn check(&self) {
        if self.reserve == 0 {
            return;
        }
        self.refill();
        *self.measured.lock() = SpaceMeasurement::of(&self.folder);
        self.log();
    }

    fn fresh(&self) -> parking_lot::MutexGuard<'_, SpaceMeasurement> {
        let mut measured = self.measured.lock();
        if measured.at.elapsed() > FRESH {
            *measured = SpaceMeasurement::of(&self.folder);
        }
        measured
    }

    /// Fills the reserve file only if half of the reserve stays free afterwards, so that the file need not release the
    /// same space soon.
    fn refill(&self) {
        let Some(file) = &self.file else { return };
        let filled = file.with(|file| {
            let missing = file.missing();
            let has_space = missing > 0 && free_bytes(&self.folder) >= missing + self.reserve / 2;
            if has_space { file.fill() } else { Ok(()) }
        });
        if let Err(error) = filled {
            tracing::warn!(%error, "the disk reserve can't be filled");
        }
    }

    fn log(&self) {
        let low = self.is_low();
        let mut logged_at = self.logged_at.lock();
        let is_due = logged_at.is_none_or(|at| at.elapsed() >= LOG_AGAIN);
        if low && is_due {
            *logged_at = Some(Instant::now());
            let (free, reserved, denied) = (self.available(), self.reserved(), self.denied());
            tracing::warn!(
                free,
                reserve = self.reserve,
                reserve_file = reserved,
                denied,
                "the disk is nearly full: images, archives, and training runs are denied; free space in the \
                 data folder"
            );
        } else if !low && logged_at.take().is_some() {
            tracing::info!(free = self.available(), "the disk has space again");
        }
    }

    /// Bytes that a commit may need: the frames of its group in the write-ahead log.
    fn commit_room(&self) -> u64 {
        self.file.as_ref().map_or(0, |file| file.piece)
    }
}

impl Reserve for Disk {
    fn admits_new_data(&self) -> bool {
        let is_critical = self.is_critical();
        if is_critical {
            self.denied.fetch_add(1, Ordering::Relaxed);
        }
        !is_critical
    }

    fn make_room_for_commit(&self) {
        let room = self.commit_room();
        while let Some(file) = &self.file
            && free_bytes(&self.folder) < room
            && file.with(ReserveFile::release)
        {}
    }

    fn log_bytes_max(&self) -> Option<u64> {
        // A quarter of the smallest reserve file: the commits that follow need room as well.
        self.file.as_ref().map(|_| self.reserve / 16)
    }

    fn ran_out(&self) {
        if let Some(file) = &self.file {
            file.with(ReserveFile::release);
        }
        *self.measured.lock() = SpaceMeasurement { at: Instant::now(), free: 0, free_for_files: 0 };
    }
}

/// Returns the chosen reserve, or the default for the disk of `folder`, in bytes.
fn reserve_of(folder: &Path, chosen: Option<u64>) -> u64 {
    chosen.unwrap_or_else(|| default_reserve(statvfs(folder).ok().as_ref().and_then(size_of_disk)))
}

/// Bytes that can still be written to the disk of `folder`; `u64::MAX` if the free space is unknown: writes then fail
/// with their own errors.
fn free_bytes(folder: &Path) -> u64 {
    statvfs(folder).map_or(u64::MAX, |disk| free_of(&disk))
}

/// Bytes that can still be written as new objects, each of which is a file; 0 if few files can still be created.
fn free_bytes_for_files(folder: &Path) -> u64 {
    let Ok(disk) = statvfs(folder) else { return u64::MAX };
    // Some file systems report no file counts.
    let files_end = disk.f_files > 0 && disk.f_favail < FILES_LEFT_MIN;
    if files_end { 0 } else { free_of(&disk) }
}

/// Free bytes. Some file systems, mostly network file systems, report no blocks: their free space is unknown, so this
/// returns `u64::MAX`.
fn free_of(disk: &StatVfs) -> u64 {
    size_of_disk(disk).map_or(u64::MAX, |_| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// In bytes; `None` if the size is unknown.
fn size_of_disk(disk: &StatVfs) -> Option<u64> {
    Some(disk.f_blocks.saturating_mul(disk.f_frsize)).filter(|size| *size > 0)
}

/// The default reserve for a disk of `size` bytes, in bytes, rounded down to whole megabytes.
fn default_reserve(size: Option<u64>) -> u64 {
    let part = size.map_or(RESERVE_DEFAULT_MAX, |size| size / RESERVE_PART);
    (part / MEGABYTE * MEGABYTE).clamp(RESERVE_DEFAULT_MIN, RESERVE_DEFAULT_MAX)
}

/// Returns whether an error or one of its causes reports that the disk, or a quota of its file system, is full.
pub fn is_disk_full(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let says_so = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        if error.is::<DiskLow>() || error.downcast_ref().is_some_and(says_so) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Turns [`io::ErrorKind::NotFound`] into success. A walk over a folder needs this for each entry, because other
/// processes remove files between listing and use (SQLite, for example, removes its log with its last connection), and
/// a missing file needs no further work.
pub fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
