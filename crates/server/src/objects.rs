//! The storage of objects. This is the only module that uses the crate `object_store`. Another storage, such as S3, is
//! another file here with an [`ObjectStorage`], which [`open`] selects.

mod file_writer;
mod folder;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use keyrack_core::disk::{Disk, is_disk_full};
use keyrack_core::objects::{ObjectError, ObjectStorage, Objects};

use folder::FolderStorage;

/// Opens the objects in a local folder and creates the folder if it is missing. `disk` is the disk that holds the
/// folder.
pub fn open(folder: &Path, disk: Arc<Disk>) -> Result<Objects, ObjectError> {
    let storage: Arc<dyn ObjectStorage> = Arc::new(FolderStorage::open(folder)?);
    Ok(Objects::new(storage, disk))
}

/// Converts an error of the library.
fn failed(error: object_store::Error) -> ObjectError {
    match error {
        object_store::Error::NotFound { .. } => ObjectError::NotFound,
        full if is_disk_full(&full) => ObjectError::DiskFull,
        other => ObjectError::Failed(Box::new(other)),
    }
}
