//! Errors of the store.

use std::io;
use std::sync::Arc;

use keyrack_key::KeyId;
use rusqlite::{ErrorCode, ffi};

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// The shared commit failed. None of its writes happened.
    #[error("the database failed to commit")]
    Commit(#[source] Arc<StoreError>),
    /// Only reserved disk space is left, and this write adds data. Nothing was written.
    #[error("the disk is nearly full")]
    DiskFull,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The schema couldn't be migrated to this version's.
    #[error("the tables could not be upgraded")]
    Migration(#[from] MigrationError),
    /// The database file couldn't be created or protected.
    #[error("the database file can't be used")]
    File(#[from] std::io::Error),
    /// A row contains a value that no version writes.
    #[error("the database contains a {what} that can't be read")]
    Corrupt { what: &'static str },
    /// The object doesn't exist.
    #[error("not found")]
    NotFound,
    /// A limit on the number of objects is reached.
    #[error("too many")]
    TooMany,
    /// The key is deleted, so it can't be changed.
    #[error("the key was deleted")]
    Gone,
    /// Since the request was authorized, the acting key was deleted, paused, or narrowed, it expired,
    /// or its secret was revoked.
    #[error("the caller's key was changed or deleted in the meantime")]
    ActorChanged,
    /// The acting person's session has ended.
    #[error("the caller's session has ended")]
    SignedOut,
    /// The acting person no longer has the required role.
    #[error("the person no longer has the required role")]
    RoleLost,
    /// The key was changed since the caller read it.
    #[error("the key was changed in the meantime")]
    Conflict,
    /// A newer version wrote this key with data that an edit by this version would lose.
    #[error("the key was written by a newer version and can't be edited by this version")]
    NotUnderstood,
    /// A request with this idempotency key was already carried out.
    #[error("this request was already carried out")]
    Repeated {
        /// The key that the first request created or changed.
        key: KeyId,
    },
    /// There already is an owner and a workspace.
    #[error("this deployment is already set up")]
    AlreadySetUp,
    /// Another person has this e-mail address.
    #[error("this email address is taken")]
    EmailTaken,
    /// Another workspace has this slug.
    #[error("this workspace address is taken")]
    SlugTaken,
    /// Another project of the workspace has this name.
    #[error("this name is taken")]
    NameTaken,
    /// The person already is a member of the workspace.
    #[error("this person is already a member")]
    AlreadyMember,
}

/// Why the schema couldn't be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer version has migrated the database.
    #[error(
        "the file was written by a newer version: it has migration {0}, which this version does not know"
    )]
    Newer(i64),
    /// An applied migration differs from this version's.
    #[error("migration {0} differs from the migration that created the file's tables")]
    Altered(i64),
    /// A migration failed and was rolled back.
    #[error("migration {version} failed")]
    Failed {
        /// The migration's number.
        version: i64,
        /// The database's error.
        source: rusqlite::Error,
    },
    /// The list of applied migrations can't be read.
    #[error("the list of migrations can't be read")]
    List(#[from] rusqlite::Error),
}

impl StoreError {
    /// Returns whether the write failed for lack of disk space. Nothing was written.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull => true,
            Self::Commit(cause) => cause.is_disk_full(),
            Self::Database(error) => {
                // SQLite returns this code if it can't grow its shared memory file.
                error.sqlite_error_code() == Some(ErrorCode::DiskFull)
                    || error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE)
            }
            Self::File(error) => {
                matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            _ => false,
        }
    }

    /// Returns whether a uniqueness constraint was violated.
    pub(crate) fn is_unique_violation(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(
            error.sqlite_extended_error_code(),
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
        )
    }
}
