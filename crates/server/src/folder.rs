//! The data folder and the lock that says whose it is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const DATABASE: &str = "keyrack.db";

/// A data folder that this process alone writes to, until dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The lock lives as long as the file is open, and ends with the process however that ends.
    _lock: File,
}

/// Why a folder cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("another keyrack is running on {0}")]
    Taken(PathBuf),
    #[error("cannot use the data folder {path}: {source}")]
    Unusable { path: PathBuf, source: io::Error },
}

impl Folder {
    /// Makes the folder where it is missing, closes it to others (mode 0700) and takes its lock.
    pub fn hold(path: &Path) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        // Also where it was made before, by hand or as a volume: whoever can open the socket in it is the operator.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(unusable)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("lock"));
        let lock = lock.map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Taken(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Whether something is kept at `path`.
    pub fn is_used(path: &Path) -> bool {
        path.join(DATABASE).exists()
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        Self::database_of(&self.path)
    }

    /// The database file of a folder that another process may hold.
    pub fn database_of(path: &Path) -> PathBuf {
        path.join(DATABASE)
    }

    /// The folder of pictures and models.
    pub fn objects(path: &Path) -> PathBuf {
        path.join("objects")
    }

    /// The socket through which the command line speaks to the process that holds the folder.
    pub fn control_socket(path: &Path) -> PathBuf {
        path.join("control.sock")
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
