//! Writes an object piece by piece to a file.

use std::fs;
use std::io;
use std::path::PathBuf;

use futures_util::FutureExt;
use keyrack_core::disk::is_disk_full;
use keyrack_core::objects::{ObjectError, ObjectWriter, StorageFuture};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

/// A file that becomes an object when it is complete.
#[derive(Debug)]
pub(super) struct FileWriter {
    file: File,
    /// The path until the object is complete. After a crash, the sweep of partial objects removes the file.
    partial_path: PathBuf,
    final_path: PathBuf,
}

impl FileWriter {
    /// Starts the object at `final_path`. Fails if the same object is already being written.
    pub(super) async fn create(final_path: PathBuf) -> Result<Self, ObjectError> {
        let partial_path = final_path.with_extension("zip#1");
        if let Some(folder) = final_path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(file_failed)?;
        }
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&partial_path).await;
        Ok(Self { file: file.map_err(file_failed)?, partial_path, final_path })
    }

    async fn complete(&mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let (partial_path, final_path) = (self.partial_path.clone(), self.final_path.clone());
        let renamed = spawn_blocking(move || {
            fs::rename(partial_path, &final_path)?;
            // Syncing the folder makes the new name durable.
            final_path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
        });
        renamed.await?
    }
}

impl ObjectWriter for FileWriter {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> StorageFuture<'a, ()> {
        async move { self.file.write_all(bytes).await.map_err(file_failed) }.boxed()
    }

    fn finish(mut self: Box<Self>) -> StorageFuture<'static, ()> {
        async move { self.complete().await.map_err(file_failed) }.boxed()
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        // After `finish`, this file no longer exists.
        if let Err(error) = fs::remove_file(&self.partial_path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "an incomplete object could not be removed");
        }
    }
}

fn file_failed(error: io::Error) -> ObjectError {
    if is_disk_full(&error) { ObjectError::DiskFull } else { error.into() }
}
