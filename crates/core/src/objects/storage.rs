//! The storage that holds objects. The server implements the trait, since the libraries of storages speak HTTP and this
//! crate doesn't.

use std::fmt::Debug;
use std::fs::File;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;

use super::{Object, ObjectError};

/// An operation in progress.
pub type StorageFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, ObjectError>> + Send + 'a>>;

/// A storage of objects. Paths and prefixes are relative, with `/` between their parts. A prefix ends at the end of a
/// part. An operation on an object that does not exist fails with [`ObjectError::NotFound`], and a write to a storage
/// without space fails with [`ObjectError::DiskFull`].
pub trait ObjectStorage: Debug + Send + Sync {
    /// Writes an object and replaces any object at the path. A reader sees all of `bytes` or the object before.
    /// Afterwards, the object survives a power failure.
    fn put<'a>(&'a self, path: &'a str, bytes: Bytes) -> StorageFuture<'a, ()>;

    /// Starts an object that arrives piece by piece.
    fn start<'a>(&'a self, path: &'a str) -> StorageFuture<'a, Box<dyn ObjectWriter>>;

    /// Reads an object into memory.
    fn read<'a>(&'a self, path: &'a str) -> StorageFuture<'a, Bytes>;

    /// Opens an object for reading piece by piece. The pieces are read when they are polled.
    fn open<'a>(&'a self, path: &'a str) -> StorageFuture<'a, Object>;

    /// Opens an object as a file. A storage without files copies the object to a temporary file.
    fn open_file<'a>(&'a self, path: &'a str) -> StorageFuture<'a, File>;

    /// Moves an object atomically and durably, and replaces any object at `to`.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> StorageFuture<'a, ()>;

    /// Removes an object.
    fn remove<'a>(&'a self, path: &'a str) -> StorageFuture<'a, ()>;

    /// Removes all objects below a prefix, partial objects included, and returns the number of complete objects.
    /// Succeeds if another task removes the same objects.
    fn remove_below<'a>(&'a self, prefix: &'a str) -> StorageFuture<'a, usize>;

    /// Removes partial objects that were last written before `before`: a crash left them.
    fn remove_partial_objects(&self, before: SystemTime) -> StorageFuture<'_, ()>;
}

/// An object that is being written. No reader sees the object before [`finish`](Self::finish). If the writer is dropped
/// before that, the bytes are removed.
pub trait ObjectWriter: Debug + Send {
    /// Appends bytes.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> StorageFuture<'a, ()>;

    /// Completes the object and replaces any object at its path. Afterwards, the object survives a power failure.
    fn finish(self: Box<Self>) -> StorageFuture<'static, ()>;
}
