//! Images and models as objects in a folder beside the database. Only this module decides the path of each object.

mod spool;

use std::fs::{DirEntry, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt};
use keyrack_key::{ImportId, ModelId, ProjectId, Timestamp, UploadId};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::task::spawn_blocking;

use crate::disk::{Disk, DiskLow, ignore_missing, is_disk_full};

pub use spool::Spool;

/// Bytes of an object that are in memory while the object is sent.
const PIECE: usize = 128 * 1024;

/// Why an object operation failed.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("object not found")]
    NotFound,
    #[error("the disk is nearly full")]
    DiskFull,
    #[error("the object storage can't be reached: {0}")]
    Failed(#[source] object_store::Error),
    #[error("the folder of the objects can't be used: {0}")]
    Folder(#[from] std::io::Error),
}

impl From<object_store::Error> for ObjectError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            full if is_disk_full(&full) => Self::DiskFull,
            other => Self::Failed(other),
        }
    }
}

impl From<DiskLow> for ObjectError {
    fn from(DiskLow: DiskLow) -> Self {
        Self::DiskFull
    }
}

/// The path of an object. All objects of a project are below the project's prefix, and all objects of an upload are
/// below the upload's prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPath(String);

impl ObjectPath {
    /// Unchecked bytes that a client sent.
    pub fn staged(project: ProjectId, upload: UploadId) -> Self {
        Self(format!("{}/staged", upload_prefix(project, upload)))
    }

    /// An image of a project.
    pub fn image(project: ProjectId, upload: UploadId) -> Self {
        Self(format!("{}/image", upload_prefix(project, upload)))
    }

    /// The thumbnail of an image.
    pub fn thumbnail(project: ProjectId, upload: UploadId) -> Self {
        Self(format!("{}/thumbnail", upload_prefix(project, upload)))
    }

    /// An archive that a project imports.
    pub fn archive(project: ProjectId, import: ImportId) -> Self {
        Self(format!("{}/archive.zip", import_prefix(project, import)))
    }

    /// A trained model. `taken` counts how many times a worker took the training run: a worker that missed its lease
    /// does not overwrite the model of the next worker.
    pub fn model(project: ProjectId, model: ModelId, taken: u64) -> Self {
        Self(format!("{}/model-{taken}", model_prefix(project, model)))
    }
}

/// The prefix of all objects of a project.
pub fn project_prefix(project: ProjectId) -> String {
    format!("projects/{project}")
}

/// The prefix of all objects of an upload and its record.
pub fn upload_prefix(project: ProjectId, upload: UploadId) -> String {
    format!("{}/pictures/{upload}", project_prefix(project))
}

/// The prefix of all objects of an import: its archive. The extracted images are objects of uploads.
pub fn import_prefix(project: ProjectId, import: ImportId) -> String {
    format!("{}/imports/{import}", project_prefix(project))
}

/// The prefix of all objects of a model.
pub fn model_prefix(project: ProjectId, model: ModelId) -> String {
    format!("{}/models/{model}", project_prefix(project))
}

/// The objects of a deployment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: Arc<Path>,
    disk: Arc<Disk>,
}

impl Objects {
    /// Opens the objects in a local folder and creates the folder if it is missing. `disk` is the disk that
    /// holds the folder.
    pub fn in_folder(path: &Path, disk: Arc<Disk>) -> Result<Self, ObjectError> {
        std::fs::create_dir_all(path)?;
        let folder = LocalFileSystem::new_with_prefix(path)?.with_automatic_cleanup(true).with_fsync(true);
        Ok(Self { store: Arc::new(folder), folder: path.into(), disk })
    }

    /// Writes an object atomically and durably. Returns [`ObjectError::DiskFull`] if the write would touch the
    /// disk's reserve.
    pub async fn put(&self, place: &ObjectPath, bytes: Bytes) -> Result<(), ObjectError> {
        self.disk.admit(bytes.len() as u64)?;
        self.store.put(&key(&place.0), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// Reads an object into memory.
    pub async fn read(&self, place: &ObjectPath) -> Result<Bytes, ObjectError> {
        Ok(self.store.get(&key(&place.0)).await?.bytes().await?)
    }

    /// Opens an object for reading piece by piece, so that a slow client keeps at most one piece in memory.
    pub async fn open(&self, place: &ObjectPath) -> Result<Object, ObjectError> {
        let found = self.store.get(&key(&place.0)).await?;
        let size = found.meta.size;
        let pieces = match found.payload {
            GetResultPayload::File(file, _) => pieces(file, size).boxed(),
            GetResultPayload::Stream(pieces) => pieces.map_err(ObjectError::from).boxed(),
        };
        Ok(Object { size, pieces })
    }

    /// Moves an object atomically and replaces any object at the target.
    pub async fn move_to(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), ObjectError> {
        Ok(self.store.rename(&key(&from.0), &key(&to.0)).await?)
    }

    /// Removes an object. Succeeds if the object does not exist.
    pub async fn remove(&self, place: &ObjectPath) -> Result<(), ObjectError> {
        match self.store.delete(&key(&place.0)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes all objects below a prefix and returns their number.
    pub async fn remove_below(&self, prefix: &str) -> Result<usize, ObjectError> {
        let keys = self.store.list(Some(&key(prefix))).map_ok(|found| found.location);
        let mut gone = self.store.delete_stream(Box::pin(keys));
        let mut count = 0;
        while let Some(one) = gone.next().await {
            match one {
                Ok(_) => count += 1,
                // Another task removes the same objects; continue with the rest.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The list does not include partial objects that a crash left behind.
        match tokio::fs::remove_dir_all(self.folder.join(prefix)).await {
            // Another task writes into the folder now, and checks afterwards whether its object may stay.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                Ok(count)
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(count),
        }
    }

    /// Removes the partial objects of processes that ran before this process started at `start`.
    pub async fn remove_partial_objects(&self, start: Timestamp) -> Result<(), ObjectError> {
        let start = SystemTime::UNIX_EPOCH + Duration::from_micros(start.micros().unsigned_abs());
        let folder = Arc::clone(&self.folder);
        let removed = tokio::task::spawn_blocking(move || remove_halves(&folder, start)).await;
        Ok(removed.map_err(std::io::Error::other)??)
    }
}

/// An object that is open for reading.
pub struct Object {
    /// In bytes.
    size: u64,
    pieces: BoxStream<'static, Result<Bytes, ObjectError>>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Object {
    /// The size in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes, piece by piece. If the object cannot be read to its end, the stream logs the error and ends with it.
    pub fn into_pieces(self) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send {
        self.pieces.inspect_err(|error| tracing::error!(%error, "an object could not be read to its end"))
    }
}

/// The pieces of a file. Each piece is read on a blocking thread.
fn pieces(file: File, size: u64) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send {
    stream::try_unfold((file, size), async |(file, left)| {
        if left == 0 {
            return Ok(None);
        }
        let read = move || {
            let mut piece = Vec::with_capacity(PIECE);
            (&file).take(left.min(PIECE as u64)).read_to_end(&mut piece)?;
            // The file was truncated after it was opened.
            if piece.is_empty() {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof));
            }
            Ok((piece, file))
        };
        let (piece, file) = spawn_blocking(read).await.map_err(std::io::Error::other)??;
        let left = left - piece.len() as u64;
        Ok(Some((Bytes::from(piece), (file, left))))
    })
}

/// Removes partial objects older than `before`. The store writes an object to its name followed by `#` and a number,
/// and then renames the file.
fn remove_halves(folder: &Path, before: SystemTime) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        // Requests may remove objects at the same time.
        ignore_missing(remove_half(&entry?, before))?;
    }
    Ok(())
}

fn remove_half(entry: &DirEntry, before: SystemTime) -> std::io::Result<()> {
    if entry.file_type()?.is_dir() {
        return remove_halves(&entry.path(), before);
    }
    if entry.file_name().to_string_lossy().contains('#') && entry.metadata()?.modified()? < before {
        std::fs::remove_file(entry.path())?;
    }
    Ok(())
}

fn key(path: &str) -> Key {
    Key::from(path)
}

#[cfg(test)]
mod tests;
