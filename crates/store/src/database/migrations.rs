//! Migrates the schema to this version's. The table `_sqlx_migrations` lists the applied
//! migrations in the format of `sqlx`.

use std::time::Instant;

use rusqlite::TransactionBehavior;
use rusqlite::functions::FunctionFlags;
use sha2::{Digest as _, Sha384};

use super::connection::Native;
use crate::{MigrationError, names};

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

/// Applies the missing migrations, each in its own transaction.
pub(super) fn migrate(db: &mut Native) -> Result<(), MigrationError> {
    define_name_functions(db)?;
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

/// Defines SQL functions with which migrations compute the keys of stored names.
fn define_name_functions(db: &Native) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("name_key", 1, flags, |context| {
        Ok(names::name_key(&context.get::<String>(0)?))
    })?;
    db.create_scalar_function("folded", 1, flags, |context| Ok(names::folded(&context.get::<String>(0)?)))
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
