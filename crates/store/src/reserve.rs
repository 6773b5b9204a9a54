//! Disk space reserved for writes that must always succeed: those that delete or pause keys, revoke secrets, end
//! sessions, and remove data.
//!
//! The store doesn't measure the disk. It calls a [`Reserve`] before it adds data and before each commit.

use std::fmt;

/// Disk space reserved for writes that must always succeed. Implemented by the code that opens a
/// [`Store`](crate::Store).
pub trait Reserve: fmt::Debug + Send + Sync {
    /// Returns whether writes may add data. Returns `false` if only reserved space is left. Called before each such
    /// write, so it must not block.
    fn admits_new_data(&self) -> bool;

    /// Frees enough reserved space for a commit if the disk has less. Called before each commit on the writer's
    /// thread. Must only wait for the file system.
    fn make_room_for_commit(&self);

    /// Returns the most bytes that the write-ahead log of the database should have, so that it fits the reserve. `None` if
    /// there is no reserve.
    fn log_bytes_max(&self) -> Option<u64>;

    /// Frees reserved space for the next write. Called after SQLite reported a full disk.
    fn ran_out(&self);
}

/// No reserve: writes may use the whole disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoReserve;

impl Reserve for NoReserve {
    fn admits_new_data(&self) -> bool {
        true
    }

    fn make_room_for_commit(&self) {}

    fn log_bytes_max(&self) -> Option<u64> {
        None
    }

    fn ran_out(&self) {}
}
