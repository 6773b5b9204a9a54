//! The one place that knows which database it is: opening, transactions, columns.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyrack_key::Timestamp;
use keyrack_rack::ChangeId;
use rand_core::Rng;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::StoreError;
use crate::group::{Write, Writer};

pub(crate) type Connection = SqliteConnection;
pub(crate) type Row = sqlx::sqlite::SqliteRow;
pub(crate) type Query = sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>;
pub(crate) type Pool = SqlitePool;

/// Readers never wait for the writer (WAL), so a few serve many requests.
const READERS: u32 = 4;

/// How long a writer waits for a program beside this one, such as `sqlite3` on the same file.
const BUSY: Duration = Duration::from_secs(10);

/// All that Keyrack remembers. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    /// One connection: SQLite has one writer, and here writers queue in order instead of finding it busy.
    writer: Writer,
    readers: Pool,
    rng: Mutex<Box<dyn Rng + Send>>,
}

impl Store {
    /// Opens the file at `path`, makes it if there is none, and brings its tables up to date.
    /// Only the owner of the process can read it. `rng` names changes.
    ///
    /// `synchronous=FULL`: a deletion that was answered survives the power cord.
    pub async fn open(path: &Path, rng: impl Rng + Send + 'static) -> Result<Self, StoreError> {
        protect(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let mut db = options.connect().await?;
        sqlx::migrate!("migrations/sqlite").run(&mut db).await?;
        let writer = Writer::new(db, options.clone());
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        let rng: Mutex<Box<dyn Rng + Send>> = Mutex::new(Box::new(rng));
        Ok(Self { shared: Arc::new(Shared { path: path.to_owned(), writer, readers, rng }) })
    }

    /// Lets what runs finish, folds the write-ahead log into the file and closes it. Whatever is asked afterwards fails.
    pub async fn close(&self) {
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> PathBuf {
        self.shared.path.clone()
    }

    /// For one query.
    pub(crate) fn readers(&self) -> &Pool {
        &self.shared.readers
    }

    /// For several queries that must see the same state.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.shared.readers.begin().await?)
    }

    /// For changes.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        self.shared.writer.turn().await
    }

    /// A change of one statement; how many rows it touched.
    pub(crate) async fn change(&self, query: Query) -> Result<u64, StoreError> {
        let mut db = self.write().await?;
        let changed = query.execute(&mut *db).await?.rows_affected();
        db.commit().await?;
        Ok(changed)
    }

    pub(crate) fn change_id(&self) -> ChangeId {
        let mut id = ChangeId::default();
        let mut rng = self.shared.rng.lock().unwrap_or_else(PoisonError::into_inner);
        rng.fill_bytes(&mut id.0);
        id
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store(SQLite)")
    }
}

/// Makes the file before SQLite does, so that it is never readable by others, not even for a moment.
/// SQLite gives its side files the same mode.
fn protect(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}

/// A column that is text here and a type of its own everywhere else.
pub(crate) fn parsed<T: FromStr>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Corrupt { what: column })
}

/// Such a column that may be empty.
pub(crate) fn parsed_if_any<T: FromStr>(row: &Row, column: &'static str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Corrupt { what: column })).transpose()
}

pub(crate) fn time(row: &Row, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.try_get(column)?))
}

pub(crate) fn time_if_any(row: &Row, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.try_get(column)?;
    Ok(micros.map(Timestamp::from_micros))
}

/// A column of so many bytes.
pub(crate) fn bytes<const N: usize>(row: &Row, column: &'static str) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| StoreError::Corrupt { what: column })
}

/// A column that counts.
pub(crate) fn number(row: &Row, column: &'static str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Corrupt { what: column })
}

/// A number of a row, if there is one.
pub(crate) fn number_if_any(row: &Row, column: &'static str) -> Result<Option<u64>, StoreError> {
    let number: Option<i64> = row.try_get(column)?;
    number.map(|number| u64::try_from(number).map_err(|_| StoreError::Corrupt { what: column })).transpose()
}

/// A number for a column. What does not fit lies beyond every row.
pub(crate) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
