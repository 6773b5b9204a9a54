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
    /// The path until the object is complete. [`Objects::remove_partial_objects`] removes such files after a crash.
    partial_path: PathBuf,
    final_path: PathBuf,
}

impl Objects {
    /// Starts an object that arrives piece by piece.
    pub async fn spool(&self, place: &ObjectPath) -> Result<Spool, ObjectError> {
        self.disk.admit(0)?;
        let final_path = self.folder.join(&place.0);
        let partial_path = final_path.with_extension("zip#1");
        if let Some(folder) = final_path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&partial_path).await;
        Ok(Spool { disk: Arc::clone(&self.disk), file: file.map_err(failed)?, partial_path, final_path })
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
        let (partial_path, final_path) = (self.partial_path.clone(), self.final_path.clone());
        let renamed = spawn_blocking(move || {
            fs::rename(partial_path, &final_path)?;
            // Syncing the folder makes the new name durable.
            final_path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
        });
        renamed.await.map_err(io::Error::from)?.map_err(failed)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // After `finish`, this file no longer exists.
        if let Err(error) = fs::remove_file(&self.partial_path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "an incomplete object could not be removed");
        }
    }
}

fn failed(error: io::Error) -> ObjectError {
    if is_disk_full(&error) { ObjectError::DiskFull } else { error.into() }
}
