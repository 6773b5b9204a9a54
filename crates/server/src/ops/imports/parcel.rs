//! An archive on its way: a file that is gone when nobody holds it any more.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;

use crate::disk::{Disk, is_disk_full};
use crate::ops::OpError;

/// A file of which only this process knows.
#[derive(Debug)]
pub struct Parcel {
    path: PathBuf,
    file: File,
    disk: Arc<Disk>,
    /// Its place among those that may wait or be read.
    _place: OwnedSemaphorePermit,
}

/// Removes what an earlier process left.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Parcel {
    pub(super) async fn new(folder: &Path, disk: Arc<Disk>, place: OwnedSemaphorePermit) -> io::Result<Self> {
        use rand_core::TryRng;
        fs::create_dir_all(folder).await?;
        let mut random = [0; 16];
        getrandom::SysRng.try_fill_bytes(&mut random).map_err(io::Error::other)?;
        let name = random.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let path = folder.join(name);
        let file = File::create_new(&path).await?;
        Ok(Self { path, file, disk, _place: place })
    }

    /// Puts the next bytes into it, unless the disk is nearly full.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), OpError> {
        self.disk.admit(bytes.len() as u64)?;
        self.file.write_all(bytes).await.map_err(|error| {
            if is_disk_full(&error) { OpError::DiskFull } else { OpError::internal(error) }
        })
    }

    /// The whole of it, to be read.
    pub(super) async fn open(&mut self) -> io::Result<std::fs::File> {
        self.file.flush().await?;
        std::fs::File::open(&self.path)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "an archive that was taken in could not be removed");
        }
    }
}
