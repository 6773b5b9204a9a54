//! A file whose only purpose is to occupy space: its space is released piece by piece when the disk is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rand_core::TryRng;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::ignore_missing;

const NAME: &str = "disk-reserve";
/// The maximum length in bytes; the length is at most a quarter of the reserve. Deletions and pauses need a few
/// kilobytes each; the write-ahead log and the pages that a checkpoint writes need some megabytes more.
const LEN_MAX: u64 = 32 << 20;
const PIECES: u64 = 8;
/// Bytes per write on file systems that cannot allocate space without writing.
const CHUNK: usize = 1 << 20;

/// The reserve file of a data folder.
#[derive(Debug)]
pub(super) struct ReserveFile {
    file: File,
    len: u64,
    full_len: u64,
}

impl ReserveFile {
    /// Opens the file in `folder` for a reserve of `reserve` bytes. An existing file keeps its length, unless the
    /// length exceeds the maximum.
    pub(super) fn open(folder: &Path, reserve: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(folder.join(NAME))?;
        let full_len = (reserve / 4).min(LEN_MAX);
        let len = file.metadata()?.len();
        if len > full_len {
            file.set_len(full_len)?;
        }
        Ok(Self { file, len: len.min(full_len), full_len })
    }

    /// Removes the file from `folder`. Succeeds if the file does not exist.
    pub(super) fn remove(folder: &Path) -> io::Result<()> {
        ignore_missing(std::fs::remove_file(folder.join(NAME)))
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The bytes that [`fill`](Self::fill) would allocate.
    pub(super) fn missing(&self) -> u64 {
        self.full_len - self.len
    }

    /// The bytes that [`release`](Self::release) frees at once.
    pub(super) fn piece(&self) -> u64 {
        self.full_len / PIECES
    }

    /// Releases one piece to the disk. Returns `false` if the file is empty or cannot be truncated.
    pub(super) fn release(&mut self) -> bool {
        if self.len == 0 {
            return false;
        }
        let len = self.len.saturating_sub(self.piece().max(1));
        if let Err(error) = self.file.set_len(len) {
            tracing::warn!(%error, "the disk reserve can't be released");
            return false;
        }
        self.len = len;
        true
    }

    /// Allocates all missing space. On an error, the file keeps its previous length.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        let allocated = match fallocate(&self.file, FallocateFlags::empty(), self.len, self.missing()) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.write_missing(),
            other => other.map_err(io::Error::from),
        };
        match allocated {
            Ok(()) => self.len = self.full_len,
            Err(_) => self.file.set_len(self.len)?,
        }
        allocated
    }

    /// Writes random bytes, because file systems with compression would store zeros without occupying space.
    fn write_missing(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.len))?;
        let mut chunk = vec![0; CHUNK];
        let mut left = self.missing();
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            getrandom::SysRng.try_fill_bytes(&mut chunk[..now]).map_err(io::Error::other)?;
            self.file.write_all(&chunk[..now])?;
            left -= now as u64;
        }
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn reserve_file_releases_pieces_and_fills_again() {
        let folder = tempfile::tempdir().unwrap();
        let allocated = || {
            use std::os::unix::fs::MetadataExt;
            folder.path().join(NAME).metadata().unwrap().blocks() * 512
        };
        let mut file = ReserveFile::open(folder.path(), 32 * MB).unwrap();
        assert_eq!((file.len(), file.missing(), file.piece()), (0, 8 * MB, MB));
        file.fill().unwrap();
        assert_eq!((file.len(), file.missing()), (8 * MB, 0));
        assert!(allocated() >= 8 * MB, "the file system allocates the space");
        assert!(file.release());
        assert_eq!(file.len(), 7 * MB);
        assert!((7 * MB..8 * MB).contains(&allocated()));
        // Another process continues with the length that this process left.
        let mut file = ReserveFile::open(folder.path(), 32 * MB).unwrap();
        assert_eq!(file.len(), 7 * MB);
        assert_eq!((0..9).filter(|_| file.release()).count(), 7);
        assert_eq!((file.len(), allocated()), (0, 0));
        file.fill().unwrap();
        assert_eq!(file.len(), 8 * MB);
        // A smaller reserve releases the rest; a reserve of 0 removes the file.
        assert_eq!(ReserveFile::open(folder.path(), 16 * MB).unwrap().len(), 4 * MB);
        ReserveFile::remove(folder.path()).unwrap();
        ReserveFile::remove(folder.path()).unwrap();
        assert!(!folder.path().join(NAME).exists());
    }

    #[test]
    fn reserve_is_written_if_allocation_fails() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = ReserveFile::open(folder.path(), 5 * MB).unwrap();
        file.write_missing().unwrap();
        let bytes = std::fs::read(folder.path().join(NAME)).unwrap();
        assert_eq!(bytes.len() as u64, file.full_len);
        assert!(bytes.chunks(4096).all(|page| page.iter().any(|byte| *byte != 0)));
    }
}
