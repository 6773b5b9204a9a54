//! Pictures and models as objects: a folder beside the database. Where each lies is decided here and nowhere else.

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

/// Bytes of an object that are in memory while it is sent.
const PIECE: usize = 128 * 1024;

/// Why an object is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("there is no such object")]
    NotFound,
    #[error("the disk is nearly full")]
    DiskFull,
    #[error("the objects cannot be reached: {0}")]
    Failed(#[source] object_store::Error),
    #[error("the folder of the objects cannot be used: {0}")]
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

/// Where an object lies. All that belongs to a project lies below its prefix, all that belongs to an upload below its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// What a client sent and nobody has checked.
    pub fn staged(project: ProjectId, upload: UploadId) -> Self {
        Self(format!("{}/staged", upload_prefix(project, upload)))
    }

    /// A picture of a project.
    pub fn image(project: ProjectId, upload: UploadId) -> Self {
        Self(format!("{}/image", upload_prefix(project, upload)))
    }

    /// The same, small.
    pub fn thumbnail(project: ProjectId, upload: UploadId) -> Self {
        Self(format!("{}/thumbnail", upload_prefix(project, upload)))
    }

    /// An archive that is taken into a project.
    pub fn archive(project: ProjectId, import: ImportId) -> Self {
        Self(format!("{}/archive.zip", import_prefix(project, import)))
    }

    /// A trained model, as whoever took the training for the `taken`th time made it: a worker that slept through its
    /// lease does not write over what another has made meanwhile.
    pub fn model(project: ProjectId, model: ModelId, taken: u64) -> Self {
        Self(format!("{}/model-{taken}", model_prefix(project, model)))
    }
}

/// All objects of a project.
pub fn project_prefix(project: ProjectId) -> String {
    format!("projects/{project}")
}

/// All objects of an upload and the record that was made of it.
pub fn upload_prefix(project: ProjectId, upload: UploadId) -> String {
    format!("{}/pictures/{upload}", project_prefix(project))
}

/// All objects of an import: its archive. The images that come out of it are objects of uploads.
pub fn import_prefix(project: ProjectId, import: ImportId) -> String {
    format!("{}/imports/{import}", project_prefix(project))
}

/// All objects of a model.
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
    /// Objects in a folder of this machine, which is made where it is missing. `disk` is the one under it.
    pub fn in_folder(path: &Path, disk: Arc<Disk>) -> Result<Self, ObjectError> {
        std::fs::create_dir_all(path)?;
        let folder = LocalFileSystem::new_with_prefix(path)?.with_automatic_cleanup(true).with_fsync(true);
        Ok(Self { store: Arc::new(folder), folder: path.into(), disk })
    }

    /// Writes an object, whole or not at all; it stays when the power goes. [`ObjectError::DiskFull`] if the disk's
    /// reserve would be touched.
    pub async fn put(&self, place: &Place, bytes: Bytes) -> Result<(), ObjectError> {
        self.disk.admit(bytes.len() as u64)?;
        self.store.put(&key(&place.0), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// The bytes of an object.
    pub async fn read(&self, place: &Place) -> Result<Bytes, ObjectError> {
        Ok(self.store.get(&key(&place.0)).await?.bytes().await?)
    }

    /// An object that is read piece by piece, so that a client that takes it slowly keeps no more than a piece in memory.
    pub async fn open(&self, place: &Place) -> Result<Object, ObjectError> {
        let found = self.store.get(&key(&place.0)).await?;
        let size = found.meta.size;
        let pieces = match found.payload {
            GetResultPayload::File(file, _) => pieces(file, size).boxed(),
            GetResultPayload::Stream(pieces) => pieces.map_err(ObjectError::from).boxed(),
        };
        Ok(Object { size, pieces })
    }

    /// Moves an object, in one step, over what may lie there.
    pub async fn move_to(&self, from: &Place, to: &Place) -> Result<(), ObjectError> {
        Ok(self.store.rename(&key(&from.0), &key(&to.0)).await?)
    }

    /// Removes an object, if it is there.
    pub async fn remove(&self, place: &Place) -> Result<(), ObjectError> {
        match self.store.delete(&key(&place.0)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes all objects below a prefix, and says how many there were.
    pub async fn remove_below(&self, prefix: &str) -> Result<usize, ObjectError> {
        let keys = self.store.list(Some(&key(prefix))).map_ok(|found| found.location);
        let mut gone = self.store.delete_stream(Box::pin(keys));
        let mut count = 0;
        while let Some(one) = gone.next().await {
            match one {
                Ok(_) => count += 1,
                // Somebody else removes the same: that is no reason to leave the rest.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // What a crash left of an object that was being written is none yet, and on no list.
        match tokio::fs::remove_dir_all(self.folder.join(prefix)).await {
            // Somebody writes into it just now, and will look whether they still may.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                Ok(count)
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(count),
        }
    }

    /// Removes what was being written when a process before this one, which began at `start`, ended.
    pub async fn remove_halves(&self, start: Timestamp) -> Result<(), ObjectError> {
        let start = SystemTime::UNIX_EPOCH + Duration::from_micros(start.micros().unsigned_abs());
        let folder = Arc::clone(&self.folder);
        let removed = tokio::task::spawn_blocking(move || remove_halves(&folder, start)).await;
        Ok(removed.map_err(std::io::Error::other)??)
    }
}

/// An object that is being read.
pub struct Object {
    /// Bytes.
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

    /// The bytes, read piece by piece. Ends with an error if the object cannot be read to its end, which is logged here.
    pub fn into_pieces(self) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send {
        self.pieces.inspect_err(|error| tracing::error!(%error, "an object could not be read to its end"))
    }
}

/// The pieces of a file, each read on a thread that may block.
fn pieces(file: File, size: u64) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send {
    stream::try_unfold((file, size), async |(file, left)| {
        if left == 0 {
            return Ok(None);
        }
        let read = move || {
            let mut piece = Vec::with_capacity(PIECE);
            (&file).take(left.min(PIECE as u64)).read_to_end(&mut piece)?;
            // It was cut off since it was opened.
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

/// An object is written under its name, `#` and a number, and then given its name.
fn remove_halves(folder: &Path, before: SystemTime) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        // Requests remove objects meanwhile.
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
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    fn objects_in(folder: &tempfile::TempDir) -> Objects {
        Objects::in_folder(folder.path(), Arc::new(Disk::watch(folder.path(), Some(0)))).unwrap()
    }

    #[tokio::test]
    async fn what_lies_below_a_prefix_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let objects = objects_in(&folder);
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let now = Timestamp::from_micros(1);
        let (project, other) = (ProjectId::new(now, &mut rng), ProjectId::new(now, &mut rng));
        let upload = UploadId::new(now, &mut rng);
        for place in
            [Place::staged(project, upload), Place::image(project, upload), Place::image(other, upload)]
        {
            objects.put(&place, Bytes::from_static(b"pixels")).await.unwrap();
        }
        assert_eq!(objects.remove_below(&project_prefix(project)).await.unwrap(), 2);
        assert!(matches!(objects.read(&Place::image(project, upload)).await, Err(ObjectError::NotFound)));
        assert_eq!(objects.read(&Place::image(other, upload)).await.unwrap(), &b"pixels"[..]);
        assert_eq!(objects.remove_below(&project_prefix(project)).await.unwrap(), 0);
        objects.remove(&Place::thumbnail(other, upload)).await.unwrap();
    }

    #[tokio::test]
    async fn an_object_that_is_read_in_pieces_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let objects = objects_in(&folder);
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let now = Timestamp::from_micros(1);
        let place = Place::image(ProjectId::new(now, &mut rng), UploadId::new(now, &mut rng));
        for size in [0, 1, PIECE, 3 * PIECE + 7] {
            let bytes: Bytes = (0..size).map(|at| at.to_le_bytes()[at % 3]).collect();
            objects.put(&place, bytes.clone()).await.unwrap();
            let object = objects.open(&place).await.unwrap();
            assert_eq!(object.size, size as u64);
            let pieces: Vec<_> = object.pieces.try_collect().await.unwrap();
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!(pieces.concat(), bytes);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn those_who_remove_the_same_do_not_stop_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let objects = objects_in(&folder);
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let now = Timestamp::from_micros(1);
        let project = ProjectId::new(now, &mut rng);
        for _ in 0..100 {
            let place = Place::image(project, UploadId::new(now, &mut rng));
            objects.put(&place, Bytes::from_static(b"pixels")).await.unwrap();
        }
        let remove = || {
            let objects = objects.clone();
            tokio::spawn(async move { objects.remove_below(&project_prefix(project)).await })
        };
        let all: Vec<_> = (0..4).map(|_| remove()).collect();
        for one in all {
            one.await.unwrap().unwrap();
        }
        assert!(!folder.path().join(project_prefix(project)).exists());
    }

    #[test]
    fn halves_that_a_request_removes_meanwhile_do_not_stop_the_sweep() {
        let folder = tempfile::tempdir().unwrap();
        // Later than any file that the test writes.
        let (old, new) =
            (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 1_000));
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    // All are listed at once and looked at one by one.
                    let halves = (0..50).map(|number| folder.path().join(format!("image#{number}")));
                    halves.clone().for_each(|half| std::fs::write(half, "x").unwrap());
                    halves.for_each(|half| drop(std::fs::remove_file(half)));
                }
            });
            let swept = (0..1_000).try_for_each(|_| {
                remove_halves(folder.path(), old)?;
                remove_halves(folder.path(), new)
            });
            is_done.store(true, Ordering::Relaxed);
            swept.unwrap();
        });
    }
}
