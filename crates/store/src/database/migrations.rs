//! Brings the tables to this version's form. What was done stands in `_sqlx_migrations`, in the form that `sqlx` gave it.

use std::time::Instant;

use rusqlite::TransactionBehavior;
use sha2::{Digest as _, Sha384};

use super::connection::Native;
use crate::names;

/// One step from one form of the tables to the next.
struct Migration {
    version: i64,
    description: &'static str,
    sql: &'static str,
}

/// Every file of `migrations/sqlite`, in order.
const ALL: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

const TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)";

/// Why the tables could not be brought to this version's form.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Its tables have a form that this version does not know.
    #[error(
        "the file was written by a newer version: it has migration {0}, which this version does not know"
    )]
    Newer(i64),
    /// What was done is not what this version would have done.
    #[error("migration {0} is not the one that the file's tables were made by")]
    Altered(i64),
    /// A step failed, and nothing of it was done.
    #[error("migration {version} failed")]
    Failed {
        /// Which.
        version: i64,
        /// Why.
        source: rusqlite::Error,
    },
    /// What was done could not be read.
    #[error("the list of migrations cannot be read")]
    List(#[from] rusqlite::Error),
}

/// Does what was not done yet, each step whole or not at all.
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

/// Versions and checksums of what was done.
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
