//! Objects that arrive piece by piece and are read as files: archives, which may be larger than memory.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

use super::{ObjectError, ObjectPath, Objects};
use crate::disk::{Disk, is_disk_full};

/// An object that is arriving. If the spool is dropped before [`finish`](Self::finish), its file is removed.
#[derive(Debug)]
pub struct Spool {
    disk: Arc<Disk>,
    file: File,
    /// The path until the object is complete. [`Objects::remove_halves`] removes such files after a crash.
    half: PathBuf,
    whole: PathBuf,
}

impl Objects {
    /// Starts an object that arrives piece by piece.
    pub async fn spool(&self, place: &ObjectPath) -> Result<Spool, ObjectError> {
        self.disk.admit(0)?;
        let whole = self.folder.join(&place.0);
        let half = whole.with_extension("zip#1");
        if let Some(folder) = whole.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&half).await;
        Ok(Spool { disk: Arc::clone(&self.disk), file: file.map_err(failed)?, half, whole })
    }

    /// Opens an object as a file. Read the file on a blocking thread.
    pub fn open_file(&self, place: &ObjectPath) -> Result<fs::File, ObjectError> {
        fs::File::open(self.folder.join(&place.0)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ObjectError::NotFound,
            _ => error.into(),
        })
    }
}

impl Spool {
    /// Appends bytes. Returns [`ObjectError::DiskFull`] if the write would touch the disk's reserve.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.disk.admit(bytes.len() as u64)?;
        self.file.write_all(bytes).await.map_err(failed)
    }

    /// Moves the object to its final path. Afterwards, the object survives a power failure.
    pub async fn finish(mut self) -> Result<(), ObjectError> {
        self.file.flush().await.map_err(failed)?;
        self.file.sync_all().await.map_err(failed)?;
        let (half, whole) = (self.half.clone(), self.whole.clone());
        let renamed = spawn_blocking(move || {
            fs::rename(half, &whole)?;
            // Syncing the folder makes the new name durable.
            whole.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
        });
        renamed.await.map_err(io::Error::from)?.map_err(failed)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // After `finish`, this file no longer exists.
        if let Err(error) = fs::remove_file(&self.half)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "an object that did not arrive whole could not be removed");
        }
    }
}

fn failed(error: io::Error) -> ObjectError {
    if is_disk_full(&error) { ObjectError::DiskFull } else { error.into() }
}
