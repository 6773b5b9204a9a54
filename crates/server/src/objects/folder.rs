//! Objects as files in a local folder.

use std::fs::{DirEntry, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use futures_util::{FutureExt, Stream};
use keyrack_core::disk::ignore_missing;
use keyrack_core::objects::{Object, ObjectError, ObjectStorage, ObjectWriter, StorageFuture};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::task::spawn_blocking;

use super::failed;
use super::file_writer::FileWriter;

/// Bytes of an object that are in memory while the object is sent.
pub(super) const PIECE: usize = 128 * 1024;

/// A folder of objects.
#[derive(Debug)]
pub(super) struct FolderStorage {
    store: LocalFileSystem,
    folder: Arc<Path>,
}

impl FolderStorage {
    /// Creates the folder if it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, ObjectError> {
        std::fs::create_dir_all(path)?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(failed)?;
        Ok(Self { store: store.with_automatic_cleanup(true).with_fsync(true), folder: path.into() })
    }
}

impl ObjectStorage for FolderStorage {
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes) -> StorageFuture<'a, ()> {
        async move {
            self.store.put(&Key::from(path), PutPayload::from_bytes(bytes)).await.map_err(failed)?;
            Ok(())
        }
        .boxed()
    }

    fn start<'a>(&'a self, path: &'a str) -> StorageFuture<'a, Box<dyn ObjectWriter>> {
        async move {
            let writer: Box<dyn ObjectWriter> = Box::new(FileWriter::create(self.folder.join(path)).await?);
            Ok(writer)
        }
        .boxed()
    }

    fn read<'a>(&'a self, path: &'a str) -> StorageFuture<'a, Bytes> {
        async move { self.store.get(&Key::from(path)).await.map_err(failed)?.bytes().await.map_err(failed) }
            .boxed()
    }

    fn open<'a>(&'a self, path: &'a str) -> StorageFuture<'a, Object> {
        async move {
            let found = self.store.get(&Key::from(path)).await.map_err(failed)?;
            let size = found.meta.size;
            Ok(match found.payload {
                GetResultPayload::File(file, _) => Object::new(size, pieces(file, size)),
                GetResultPayload::Stream(pieces) => Object::new(size, pieces.map_err(failed)),
            })
        }
        .boxed()
    }

    fn open_file<'a>(&'a self, path: &'a str) -> StorageFuture<'a, File> {
        let opened = File::open(self.folder.join(path)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ObjectError::NotFound,
            _ => error.into(),
        });
        std::future::ready(opened).boxed()
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> StorageFuture<'a, ()> {
        async move { self.store.rename(&Key::from(from), &Key::from(to)).await.map_err(failed) }.boxed()
    }

    fn remove<'a>(&'a self, path: &'a str) -> StorageFuture<'a, ()> {
        async move { self.store.delete(&Key::from(path)).await.map_err(failed) }.boxed()
    }

    fn remove_below<'a>(&'a self, prefix: &'a str) -> StorageFuture<'a, usize> {
        async move {
            let count = self.remove_complete(prefix).await?;
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
        .boxed()
    }

    fn remove_partial_objects(&self, before: SystemTime) -> StorageFuture<'_, ()> {
        let folder = Arc::clone(&self.folder);
        async move {
            let removed = spawn_blocking(move || remove_partial_files(&folder, before)).await;
            Ok(removed.map_err(std::io::Error::other)??)
        }
        .boxed()
    }
}

impl FolderStorage {
    async fn remove_complete(&self, prefix: &str) -> Result<usize, ObjectError> {
        let keys = self.store.list(Some(&Key::from(prefix))).map_ok(|found| found.location);
        let mut removed = self.store.delete_stream(keys.boxed());
        let mut count = 0;
        while let Some(one) = removed.next().await {
            match one {
                Ok(_) => count += 1,
                // Another task removes the same objects; continue with the rest.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(count)
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

/// Removes partial objects older than `before`. Both the library and [`FileWriter`] write an object to its name followed
/// by `#` and a number, and then rename the file.
pub(super) fn remove_partial_files(folder: &Path, before: SystemTime) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        // Requests may remove objects at the same time.
        ignore_missing(remove_if_partial(&entry?, before))?;
    }
    Ok(())
}

fn remove_if_partial(entry: &DirEntry, before: SystemTime) -> std::io::Result<()> {
    if entry.file_type()?.is_dir() {
        return remove_partial_files(&entry.path(), before);
    }
    if entry.file_name().to_string_lossy().contains('#') && entry.metadata()?.modified()? < before {
        std::fs::remove_file(entry.path())?;
    }
    Ok(())
}
