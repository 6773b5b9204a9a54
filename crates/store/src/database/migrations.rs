//! Migrates the schema to this version's. The table `_sqlx_migrations` lists the applied
//! migrations in the format of `sqlx`.

use std::time::Instant;

use rusqlite::TransactionBehavior;
use sha2::{Digest as _, Sha384};

use super::connection::Native;
use crate::names;

/// A step from one schema to the next.
struct Migration {
    version: i64,
    description: &'static str,
    sql: &'static str,
}

/// All files of `migrations/sqlite`, in order.
const ALL: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

const TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)";

/// Why the schema couldn't be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer version has migrated the database.
    #[error(
        "the file was written by a newer version: it has migration {0}, which this version does not know"
    )]
    Newer(i64),
    /// An applied migration differs from this version's.
    #[error("migration {0} is not the one that the file's tables were made by")]
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
    #[error("the list of migrations cannot be read")]
    List(#[from] rusqlite::Error),
}

/// Applies the missing migrations, each in its own transaction.
pub(super) fn migrate(db: &mut Native) -> Result<(), MigrationError> {
    names::define(db)?;
    db.execute_batch(TABLE)?;
    let done = done(db)?;
    for (version, checksum) in &done {
        let known = ALL.iter().find(|migration| migration.version == *version);
        let known = known.ok_or(MigrationError::Newer(*version))?;
        if known.checksum()[..] != checksum[..] {
            return Err(MigrationError::Altered(*version));
        }
    }
    for migration in ALL {
        if done.iter().all(|(version, _)| *version != migration.version) {
            let failed = |source| MigrationError::Failed { version: migration.version, source };
            migration.apply(db).map_err(failed)?;
        }
    }
    Ok(())
}

/// Returns the versions and checksums of the applied migrations.
fn done(db: &Native) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
    let mut statement = db.prepare("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

impl Migration {
    fn checksum(&self) -> [u8; 48] {
        Sha384::digest(self.sql).into()
    }

    fn apply(&self, db: &mut Native) -> rusqlite::Result<()> {
        let began = Instant::now();
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(self.sql)?;
        let took = i64::try_from(began.elapsed().as_nanos()).unwrap_or(i64::MAX);
        transaction.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (?1, ?2, TRUE, ?3, ?4)",
            (self.version, self.description, self.checksum(), took),
        )?;
        transaction.commit()
    }
}
