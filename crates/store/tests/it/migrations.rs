//! Migrations: databases of older versions are migrated, those of newer versions are rejected.

use keyrack_store::{MigrationError, Store, StoreError};

use crate::{World, rng, world};

/// The migrations as `sqlx` recorded them in existing databases, each with the SHA-384 of its file.
const WRITTEN: [(i64, &str, &str); 5] = [
    (
        1,
        "start",
        "f7e3425f489420fc4f626a25899869f5bc12dfbc9c2d22d370a41c1f7b48ce90efc514e52c33822c033429b05d9a78e2",
    ),
    (
        2,
        "platform",
        "bb2bf7472e58d775ce33bfaad7a62d3286753cc4cb9cb18e18c23474b25d89904fcb48a51e8f9d23ef0d9c990d67ceff",
    ),
    (
        3,
        "usage",
        "41fe013aa9fd28ccd17d01135b93a4df38aa2fabc762a9529228c0e6a5dea68ec4c5040e1542f9e4a7140afe7008f8de",
    ),
    (
        4,
        "nodes",
        "530eb2652f9a46f43e703bd847fec9a01d0ca9a7b384eca5b3c4e5e40c0168a227759e0d0e34f04c2b9967c60b4a4110",
    ),
    (
        5,
        "keys in passing",
        "30cc95ff799dc9620dbf4f4c15bdc569b9aed34b84cb367bf52def77be69873b46b0b93c2c6f78c45fba052316036c7c",
    ),
];

impl World {
    async fn open_again(&self) -> Result<Store, StoreError> {
        self.store.close().await;
        Store::open(&self.folder.path().join("keyrack.db"), rng()).await
    }
}

#[tokio::test]
async fn applied_migrations_have_their_original_checksums() {
    let world = world().await;
    let console = world.console();
    let mut list = console
        .prepare("SELECT version, description, lower(hex(checksum)), success, execution_time > 0 FROM _sqlx_migrations")
        .unwrap();
    let mut rows = list.query([]).unwrap();
    for (version, description, checksum) in WRITTEN {
        let row = rows.next().unwrap().unwrap();
        assert_eq!(row.get::<_, i64>(0).unwrap(), version);
        assert_eq!(row.get::<_, String>(1).unwrap(), description);
        assert_eq!(row.get::<_, String>(2).unwrap(), checksum);
        assert!(row.get::<_, bool>(3).unwrap() && row.get::<_, bool>(4).unwrap());
    }
}

#[tokio::test]
async fn current_database_is_not_changed() {
    let world = world().await;
    let list = "SELECT group_concat(version || installed_on || execution_time) FROM _sqlx_migrations";
    let read = || world.console().query_row(list, [], |row| row.get::<_, String>(0)).unwrap();
    let before = read();
    let again = world.open_again().await.unwrap();
    assert_eq!(read(), before);
    assert!(again.is_set_up().await.unwrap());
}

#[tokio::test]
async fn database_of_a_newer_version_is_rejected_unchanged() {
    let world = world().await;
    let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'later', 'now', TRUE, x'00', 1)";
    world.console().execute_batch(newer).unwrap();
    let error = world.open_again().await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(MigrationError::Newer(9999))), "{error:?}");
}

#[tokio::test]
async fn database_with_other_checksums_is_rejected() {
    let world = world().await;
    world.console().execute_batch("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2").unwrap();
    let error = world.open_again().await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(MigrationError::Altered(2))), "{error:?}");
}

#[tokio::test]
async fn failed_migration_is_rolled_back() {
    let world = world().await;
    // The last table of the migration already exists, so the statements before it have run when the migration fails.
    world
        .console()
        .execute_batch("DELETE FROM _sqlx_migrations WHERE version = 5; DROP INDEX changes_of_key")
        .unwrap();
    let error = world.open_again().await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(MigrationError::Failed { version: 5, .. })), "{error:?}");
    let query = "SELECT count(*) FROM sqlite_schema WHERE name = 'changes_of_key'";
    assert_eq!(world.console().query_row(query, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
