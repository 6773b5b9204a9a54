//! The data folder and its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use keyrack_core::disk::ignore_missing;

const DATABASE: &str = "keyrack.db";

/// A data folder that only this process writes to, until the value is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The lock lasts as long as the file is open, and ends with the process even after a crash.
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("Another keyrack process is using {0}.")]
    Taken(PathBuf),
    #[error("The data folder {path} can't be used: {source}")]
    Unusable { path: PathBuf, source: io::Error },
}

impl Folder {
    /// Creates the folder if it is missing, restricts access to its owner (mode 0700), and locks it.
    pub fn hold(path: &Path) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        // This also restricts an existing folder or volume: everyone who can open the socket in the folder acts as the
        // operator.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(unusable)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join("lock"));
        let lock = lock.map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {
                remove_old_archives(path);
                close_below(path, true).map_err(unusable)?;
                Ok(Self { path: path.to_owned(), _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(FolderError::Taken(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Returns whether `path` contains a database.
    pub fn is_used(path: &Path) -> bool {
        path.join(DATABASE).exists()
    }

    pub fn database(&self) -> PathBuf {
        Self::database_of(&self.path)
    }

    /// Returns the database file of a folder that another process may have locked.
    pub fn database_of(path: &Path) -> PathBuf {
        path.join(DATABASE)
    }

    /// Returns the folder of images and models.
    pub fn objects(path: &Path) -> PathBuf {
        path.join("objects")
    }

    /// Returns the socket through which the command line talks to the process that has locked the folder.
    pub fn control_socket(path: &Path) -> PathBuf {
        path.join("control.sock")
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes the archives that an earlier version kept in a separate folder: imports no longer read them.
fn remove_old_archives(data: &Path) {
    let archives = data.join("imports");
    if let Err(error) = ignore_missing(fs::remove_dir_all(&archives)) {
        // The archives only take up space.
        tracing::warn!(%error, path = %archives.display(), "archives of an earlier version can't be removed");
    }
}

/// Restricts the contents of the folder to its owner, because earlier versions left objects readable. Skips a restricted
/// folder with all its contents, so that only the first start after an update visits each object. The umask restricts files
/// that are created later.
fn close_below(folder: &Path, is_top: bool) -> io::Result<()> {
    if !is_top && !is_open(&fs::symlink_metadata(folder)?) {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        ignore_missing(close_entry(&entry?))?;
    }
    // Last, so that an interrupted start is repeated.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

fn close_entry(entry: &fs::DirEntry) -> io::Result<()> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return close_below(&entry.path(), false);
    }
    if kind.is_file() && is_open(&entry.metadata()?) {
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn is_open(data: &fs::Metadata) -> bool {
    data.permissions().mode() & 0o077 != 0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn open_permissions_of_earlier_versions_are_restricted() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let deep = data.join("objects/projects/p/pictures/u");
        fs::create_dir_all(&deep).unwrap();
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let files = [data.join("keyrack.db-wal"), deep.join("image"), deep.join("staged#1")];
        for file in &files {
            fs::write(file, "x").unwrap();
            open(file, 0o644);
        }
        let folders: Vec<_> = deep.ancestors().take(6).collect();
        folders.iter().for_each(|folder| open(folder, 0o755));
        drop(Folder::hold(&data).unwrap());
        assert_eq!(files.each_ref().map(|file| mode(file)), [0o600; 3]);
        assert!(folders.iter().all(|folder| mode(folder) == 0o700), "{folders:?}");
    }

    #[test]
    fn start_succeeds_if_files_disappear_concurrently() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        fs::create_dir(&data).unwrap();
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    create_and_remove(&data);
                }
            });
            let held = (0..2_000).try_for_each(|_| Folder::hold(&data).map(drop));
            is_done.store(true, Ordering::Relaxed);
            held.unwrap();
        });
    }

    /// Creates and removes files and folders that other users can read.
    fn create_and_remove(data: &Path) {
        for name in ["keyrack.db-wal", "keyrack.db-shm", "objects/image"] {
            let path = data.join(name);
            // A step fails if the walk has already restricted or removed its file. The next round makes up for this.
            let _ = fs::create_dir(data.join("objects"));
            let _ = fs::write(&path, "x");
            let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o644));
            let _ = fs::set_permissions(data.join("objects"), fs::Permissions::from_mode(0o755));
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir(data.join("objects"));
        }
    }

    #[test]
    fn archives_of_earlier_versions_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let archive_of_project = data.join("objects/projects/p/imports/i");
        for folder in [&data.join("imports"), &archive_of_project] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("archive"), "x").unwrap();
        }
        for _ in 0..2 {
            drop(Folder::hold(&data).unwrap());
            assert!(!data.join("imports").exists());
        }
        assert!(archive_of_project.join("archive").exists(), "archives of projects stay");
    }
}
