//! Disk space that is kept for the writes that must always succeed: those that delete or pause keys, end secrets and
//! sessions, and remove data.
//!
//! The store doesn't measure the disk. It asks a [`Reserve`] before it adds data and before each commit.

use std::fmt;

/// Disk space kept for writes that must always succeed. Whoever opens a [`Store`](crate::Store) implements it.
pub trait Reserve: fmt::Debug + Send + Sync {
    /// Whether writes that add data may go on. `false` while only reserved space is left. Called on the way to a write,
    /// so it must not block.
    fn admits_new_data(&self) -> bool;

    /// Called before each commit, on the writer's thread. Frees as much reserved space as a commit needs if the disk
    /// has less than that. Must not wait for anything but the file system.
    fn make_room_for_commit(&self);

    /// Called after SQLite reported a full disk, so that the next write finds some space.
    fn ran_out(&self);
}

/// No reserve: the disk is used to its last byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoReserve;

impl Reserve for NoReserve {
    fn admits_new_data(&self) -> bool {
        true
    }

    fn make_room_for_commit(&self) {}

    fn ran_out(&self) {}
}
