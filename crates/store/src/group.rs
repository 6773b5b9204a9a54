//! Writes that share a commit. SQLite has one writer, and what a write waits for is the disk: so those that wait for
//! their turn meanwhile join it, and one `fsync` makes all of them durable.
//!
//! One task owns the transaction and lends the connection to one [`Write`] after the other, each behind a savepoint of
//! its own: one that fails, or whose caller goes away, undoes itself alone. Nobody is answered before the commit, and
//! nobody else sees anything before it. Nobody waits for company either: where no other write waits, it is committed.
//!
//! Workspaces take turns: one that writes without end delays another by one write at a time.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::ErrorCode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::database::{BUSY, Connection, Executor as _, Native, Place, open, query};
use crate::tenant::Tenant;
use crate::turns::Turns;
use crate::{Reserve, StoreError};

/// How many writes share a commit at most: the first of them waits for the last.
const MOST: usize = 64;

/// `IMMEDIATE` takes the lock at once: a transaction that reads first and writes later could be told in between that
/// somebody else was faster.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// Each turn has one of its own.
const SAVEPOINT: &str = "SAVEPOINT turn";
const KEEP: &str = "RELEASE turn";
/// The savepoint itself stays: it is the next one's.
const UNDO: &str = "ROLLBACK TO turn";
/// Savepoints go with their transaction.
const COMMIT: &str = "COMMIT";
const ABANDON: &str = "ROLLBACK";

/// A turn to write. Dropped without a commit, it undoes what it did.
pub(crate) struct Write {
    // The connection goes back first: fields are dropped in this order.
    db: Connection,
    kept: oneshot::Sender<Member>,
}

/// Waits for a turn.
type Waiting = oneshot::Sender<Result<Write, StoreError>>;

/// Joins the queue of its workspace.
type Arrival = (Tenant, Waiting);

/// Has written, and waits for the commit.
type Member = oneshot::Sender<Result<(), Arc<StoreError>>>;

impl Write {
    /// Keeps what was written, and waits until it is durable.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self { db, kept } = self;
        drop(db);
        let (member, committed) = oneshot::channel();
        // If nobody takes it, it says so below.
        let _ = kept.send(member);
        committed.await.map_err(|_| StoreError::Closed)?.map_err(StoreError::Commit)
    }
}

impl Deref for Write {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.db
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.db
    }
}

/// The queue of those who want to write, and the task that serves it.
pub(crate) struct Writer {
    open: Mutex<Option<(mpsc::UnboundedSender<Arrival>, JoinHandle<()>)>>,
}

impl Writer {
    /// Lends `db` from now on, and opens the file at `path` again should it fail. `reserve` makes room for commits.
    pub(crate) fn new(db: Native, path: PathBuf, reserve: Arc<dyn Reserve>) -> Self {
        let (queue, arriving) = mpsc::unbounded_channel();
        let db = Arc::new(tokio::sync::Mutex::new(db));
        let groups = Groups { db, path, reserve, arriving, waiting: Turns::new() };
        Self { open: Mutex::new(Some((queue, tokio::spawn(groups.run())))) }
    }

    /// Waits for a turn. The turns of one workspace come in the order in which they were asked for.
    pub(crate) async fn turn(&self, tenant: Tenant) -> Result<Write, StoreError> {
        let (waiting, turn) = oneshot::channel();
        if let Some((queue, _)) = &*self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            // If nobody takes it, it says so below.
            let _ = queue.send((tenant, waiting));
        }
        turn.await.map_err(|_| StoreError::Closed)?
    }

    /// Serves those who wait already, closes the connection, and refuses whoever comes later.
    pub(crate) async fn close(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((queue, task)) = open {
            drop(queue);
            // It fails only with its runtime, and the connection then is gone as well.
            let _ = task.await;
        }
    }
}

/// The task behind a [`Writer`].
struct Groups {
    /// Locked by whoever has the turn.
    db: Arc<tokio::sync::Mutex<Native>>,
    path: PathBuf,
    reserve: Arc<dyn Reserve>,
    arriving: mpsc::UnboundedReceiver<Arrival>,
    waiting: Turns<Waiting>,
}

impl Groups {
    async fn run(mut self) {
        while let Some(first) = self.first().await {
            let mut members = Vec::new();
            let end = match self.begin().await {
                Ok(()) => self.fill(first, &mut members).await,
                Err(error) => {
                    self.note_full_disk(&error);
                    // Who was to be the first may have gone away: then nobody is told.
                    let _ = first.send(Err(error));
                    self.renew().await;
                    continue;
                }
            };
            if let Err(error) = &end {
                self.note_full_disk(error);
                self.renew().await;
            }
            let end = end.map_err(Arc::new);
            for member in members {
                let _ = member.send(end.clone());
            }
        }
        if let Some(db) = Arc::into_inner(self.db) {
            // It fails only with its runtime, and there is nothing left that a failure could lose.
            let _ = spawn_blocking(move || drop(db)).await;
        }
    }

    /// Waits for the first write of a group; `None` once the store is closed and nobody waits.
    async fn first(&mut self) -> Option<Waiting> {
        match self.next() {
            Some(waiting) => Some(waiting),
            None => self.arriving.recv().await.map(|(_, waiting)| waiting),
        }
    }

    /// Whose turn it is, of those who wait already.
    fn next(&mut self) -> Option<Waiting> {
        self.line_up();
        self.waiting.pop(|_| true).map(|(_, waiting)| waiting)
    }

    fn line_up(&mut self) {
        while let Ok((tenant, waiting)) = self.arriving.try_recv() {
            self.waiting.push(tenant, waiting);
        }
    }

    /// Begins a transaction: at once as a rule, and where another program writes, when it has ended.
    async fn begin(&self) -> Result<(), StoreError> {
        let mut db = self.connection().await;
        let at_once = |db: &Native| {
            db.busy_timeout(Duration::ZERO)?;
            let begun = db.prepare_cached(BEGIN)?.raw_execute();
            db.busy_timeout(BUSY)?;
            match begun {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
                begun => Ok(begun.map(|_| true)?),
            }
        };
        if !db.run(Place::Here, Box::new(at_once)).await? {
            query(BEGIN).aside().execute(&mut db).await?;
        }
        query(SAVEPOINT).execute(&mut db).await?;
        Ok(())
    }

    /// Lends the connection to `first` and to those who wait behind it, and commits. An error means that SQLite gave the
    /// transaction up, or did not take it, and nothing of it stays.
    async fn fill(&mut self, first: Waiting, members: &mut Vec<Member>) -> Result<(), StoreError> {
        let mut next = Some(first);
        while let Some(waiting) = next.take() {
            match self.lend(waiting).await {
                Some(member) => {
                    members.push(member);
                    self.line_up();
                    if members.len() == MOST || self.waiting.is_empty() {
                        break;
                    }
                    let mut db = self.connection().await;
                    query(KEEP).execute(&mut db).await?;
                    query(SAVEPOINT).execute(&mut db).await?;
                }
                None => self.execute_aside(UNDO).await?,
            }
            next = self.next();
        }
        self.reserve.make_room_for_commit();
        self.execute_aside(COMMIT).await
    }

    /// Lends the connection for one turn. Nothing comes back of a write that is to be undone.
    async fn lend(&self, waiting: Waiting) -> Option<Member> {
        let (kept, member) = oneshot::channel();
        let db = self.connection().await;
        // Who does not wait any more gives it back by not taking it.
        let _ = waiting.send(Ok(Write { db, kept }));
        member.await.ok()
    }

    async fn execute_aside(&self, statement: &'static str) -> Result<(), StoreError> {
        query(statement).aside().execute(&mut self.connection().await).await?;
        Ok(())
    }

    /// The connection: at once, unless a statement still runs whose caller went away.
    async fn connection(&self) -> Connection {
        Connection::writer(Arc::clone(&self.db).lock_owned().await)
    }

    fn note_full_disk(&self, error: &StoreError) {
        if error.is_disk_full() {
            self.reserve.ran_out();
        }
    }

    /// Takes a new connection after a failure: what state the old one is in, nobody knows.
    async fn renew(&self) {
        let (mut db, path) = (Arc::clone(&self.db).lock_owned().await, self.path.clone());
        let renewed = spawn_blocking(move || {
            // Most failures have rolled back already. Where this fails too, closing does it.
            let _ = db.execute_batch(ABANDON);
            // The next to begin hears that the old one does not work, if it still does not, and it is tried again then.
            if let Ok(fresh) = open(&path) {
                *db = fresh;
            }
        });
        // It fails only with its runtime.
        let _ = renewed.await;
    }
}
