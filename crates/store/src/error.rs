//! Why the store did not do what it was asked.

use std::io;
use std::sync::Arc;

use keyrack_key::KeyId;
use rusqlite::{ErrorCode, ffi};

use crate::MigrationError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// The commit failed that this write shared with others: none of them happened.
    #[error("the database failed to commit")]
    Commit(#[source] Arc<StoreError>),
    /// Only reserved disk space is left, and this write would have added data. Nothing was written.
    #[error("the disk is nearly full")]
    DiskFull,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The tables could not be brought to this version's form.
    #[error("the tables could not be brought up to date")]
    Migration(#[from] MigrationError),
    /// The file could not be made or protected.
    #[error("the database file cannot be used")]
    File(#[from] std::io::Error),
    /// A row holds what no version writes.
    #[error("the database holds a {what} that cannot be read")]
    Corrupt {
        /// The column.
        what: &'static str,
    },
    /// There is no such thing here.
    #[error("not found")]
    NotFound,
    /// There would be more of them than there may be.
    #[error("too many")]
    TooMany,
    /// The key was deleted: it is not changed any more.
    #[error("the key was deleted")]
    Gone,
    /// The key that acts was deleted, paused or narrowed since it was checked, has expired, or its secret was revoked.
    #[error("the key that acts was changed or deleted in the meantime")]
    ActorChanged,
    /// The session of the person who acts has ended.
    #[error("the session that acts has ended")]
    SignedOut,
    /// The person who acts doesn't have the role any more.
    #[error("the person no longer has the required role")]
    RoleLost,
    /// The key was changed since it was read.
    #[error("the key was changed by somebody else in the meantime")]
    Conflict,
    /// A newer version wrote something about this key that this version would lose by editing it.
    #[error("the key was written by a newer version and cannot be edited by this one")]
    NotUnderstood,
    /// The request with this token was already carried out.
    #[error("this request was already carried out")]
    Repeated {
        /// What it made or changed.
        key: KeyId,
    },
    /// There is an owner and a workspace already.
    #[error("this deployment is already set up")]
    AlreadySetUp,
    /// Somebody has this address.
    #[error("this e-mail address is taken")]
    EmailTaken,
    /// A workspace has this slug.
    #[error("this workspace address is taken")]
    SlugTaken,
    /// A project of the workspace has this name.
    #[error("this name is taken")]
    NameTaken,
    /// The person is in the workspace already.
    #[error("this person is already a member")]
    AlreadyMember,
}

impl StoreError {
    /// Whether the write failed for lack of disk space. Nothing of it was written.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull => true,
            Self::Commit(cause) => cause.is_disk_full(),
            Self::Database(error) => {
                // What SQLite answers where its shared memory cannot grow.
                error.sqlite_error_code() == Some(ErrorCode::DiskFull)
                    || error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE)
            }
            Self::File(error) => {
                matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// Whether there is a row already with what there may be only once.
    pub(crate) fn is_unique_violation(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(
            error.sqlite_extended_error_code(),
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
        )
    }
}
