//! Images and models as objects in a storage. Only this module decides the path of each object, and whether the disk has
//! space for it. The server implements the storage ([`ObjectStorage`]).

mod spool;
mod storage;

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt};
use keyrack_key::{ImportId, ModelId, ProjectId, Timestamp, UploadId};

use crate::disk::{Disk, DiskLow};

pub use spool::Spool;
pub use storage::{ObjectStorage, ObjectWriter, StorageFuture};

/// Why an object operation failed.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("object not found")]
    NotFound,
    #[error("the disk is nearly full")]
    DiskFull,
    #[error("the object storage can't be reached: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the folder of the objects can't be used: {0}")]
    Folder(#[from] std::io::Error),
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
    storage: Arc<dyn ObjectStorage>,
    disk: Arc<Disk>,
}

impl Objects {
    /// The objects in `storage`. `disk` is the disk that new objects take space from.
    pub const fn new(storage: Arc<dyn ObjectStorage>, disk: Arc<Disk>) -> Self {
        Self { storage, disk }
    }

    /// Writes an object atomically and durably. Returns [`ObjectError::DiskFull`] if the write would touch the
    /// disk's reserve.
    pub async fn put(&self, path: &ObjectPath, bytes: Bytes) -> Result<(), ObjectError> {
        self.disk.admit(bytes.len() as u64)?;
        self.storage.put(&path.0, bytes).await
    }

    /// Starts an object that arrives piece by piece. Returns [`ObjectError::DiskFull`] if the disk's reserve is already
    /// touched.
    pub async fn spool(&self, path: &ObjectPath) -> Result<Spool, ObjectError> {
        self.disk.admit(0)?;
        let writer = self.storage.start(&path.0).await?;
        Ok(Spool::new(Arc::clone(&self.disk), writer))
    }

    /// Reads an object into memory.
    pub async fn read(&self, path: &ObjectPath) -> Result<Bytes, ObjectError> {
        self.storage.read(&path.0).await
    }

    /// Opens an object for reading piece by piece, so that a slow client keeps at most one piece in memory.
    pub async fn open(&self, path: &ObjectPath) -> Result<Object, ObjectError> {
        self.storage.open(&path.0).await
    }

    /// Opens an object as a file. Read the file on a blocking thread.
    pub async fn open_file(&self, path: &ObjectPath) -> Result<File, ObjectError> {
        self.storage.open_file(&path.0).await
    }

    /// Moves an object atomically and replaces any object at the target.
    pub async fn move_to(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), ObjectError> {
        self.storage.rename(&from.0, &to.0).await
    }

    /// Removes an object. Succeeds if the object does not exist.
    pub async fn remove(&self, path: &ObjectPath) -> Result<(), ObjectError> {
        match self.storage.remove(&path.0).await {
            Err(ObjectError::NotFound) => Ok(()),
            other => other,
        }
    }

    /// Removes all objects below a prefix and returns their number.
    pub async fn remove_below(&self, prefix: &str) -> Result<usize, ObjectError> {
        self.storage.remove_below(prefix).await
    }

    /// Removes the partial objects of processes that ran before this process started at `start`.
    pub async fn remove_partial_objects(&self, start: Timestamp) -> Result<(), ObjectError> {
        let start = SystemTime::UNIX_EPOCH + Duration::from_micros(start.micros().unsigned_abs());
        self.storage.remove_partial_objects(start).await
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
    /// An object of `size` bytes. `pieces` yields all of them, or ends with an error.
    pub fn new(size: u64, pieces: impl Stream<Item = Result<Bytes, ObjectError>> + Send + 'static) -> Self {
        Self { size, pieces: pieces.boxed() }
    }

    /// The size in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes, piece by piece. If the object cannot be read to its end, the stream logs the error and ends with it.
    pub fn into_pieces(self) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send {
        self.pieces.inspect_err(|error| tracing::error!(%error, "an object could not be read to its end"))
    }
}
