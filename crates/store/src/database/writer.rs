//! Group commit. SQLite has a single writer, and most of a write is waiting for the disk. So writes that wait at the
//! same time share a transaction, and a single `fsync` makes all of them durable.
//!
//! A task owns the transaction and lends the connection to one [`Write`] after the other, each with its
//! own savepoint. A write that fails or whose caller goes away rolls back alone. No write returns before
//! the commit, and no reader sees its changes before. A write never waits for others to join: if no other
//! write waits, the task commits.
//!
//! Workspaces take turns, so that a workspace with many writes delays the writes of others by a single write each.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::ErrorCode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

use super::connection::{BUSY, Connection, Executor as _, Native, QueryThread, open_writer};
use super::query::query;
use crate::tenant::Tenant;
use crate::turns::Turns;
use crate::{Reserve, StoreError};

/// The most writes in a commit. The first of them waits for the last.
const GROUP_MAX: usize = 64;

/// `IMMEDIATE` takes the lock at once. A transaction that reads first and writes later could fail because another one
/// wrote in between.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// Each write has its own savepoint.
const SAVEPOINT: &str = "SAVEPOINT turn";
const RELEASE: &str = "RELEASE turn";
/// Keeps the savepoint for the next write.
const ROLLBACK_TO_SAVEPOINT: &str = "ROLLBACK TO turn";
/// Committing releases savepoints.
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// Exclusive access to the database for writing. Dropping it without a commit rolls back its changes.
pub(crate) struct Write {
    // Fields are dropped in this order, so the connection is returned first.
    db: Connection,
    commit: oneshot::Sender<CommitSender>,
}

/// Sends the connection to a waiting caller.
type WriteSender = oneshot::Sender<Result<Write, StoreError>>;

/// A waiting caller, and the workspace in whose queue the caller waits.
type QueuedWrite = (Tenant, WriteSender);

/// Sends the result of the commit to a caller that has written.
type CommitSender = oneshot::Sender<Result<(), Arc<StoreError>>>;

impl Write {
    /// Commits the changes and waits until they are durable.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self { db, commit } = self;
        drop(db);
        let (member, committed) = oneshot::channel();
        // If the task has ended, the receiver below fails.
        let _ = commit.send(member);
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

/// The queue of waiting writes, and the task that serves them.
pub(super) struct Writer {
    open: Mutex<Option<(mpsc::UnboundedSender<QueuedWrite>, JoinHandle<()>)>>,
}

impl Writer {
    /// Starts the task with the connection `db`. After a failure, the task opens the file at `path` again. `reserve`
    /// frees disk space for commits.
    pub(super) fn new(db: Native, path: PathBuf, reserve: Arc<dyn Reserve>) -> Self {
        let (queue, incoming) = mpsc::unbounded_channel();
        let db = Arc::new(tokio::sync::Mutex::new(db));
        let task = WriterTask { db, path, reserve, incoming, waiting: Turns::new() };
        Self { open: Mutex::new(Some((queue, tokio::spawn(task.run())))) }
    }

    /// Waits for the connection. The callers of a workspace are served in order.
    pub(super) async fn turn(&self, tenant: Tenant) -> Result<Write, StoreError> {
        let (waiting, turn) = oneshot::channel();
        if let Some((queue, _)) = &*self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            // If the task has ended, the receiver below fails.
            let _ = queue.send((tenant, waiting));
        }
        turn.await.map_err(|_| StoreError::Closed)?
    }

    /// Serves the waiting writes, closes the connection, and fails later writes.
    pub(super) async fn close(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((queue, task)) = open {
            drop(queue);
            // The task fails only if its runtime ends, which closes the connection too.
            let _ = task.await;
        }
    }
}

/// Serves the writes of a [`Writer`], one group after the other.
struct WriterTask {
    /// Locked by the current [`Write`].
    db: Arc<tokio::sync::Mutex<Native>>,
    path: PathBuf,
    reserve: Arc<dyn Reserve>,
    incoming: mpsc::UnboundedReceiver<QueuedWrite>,
    waiting: Turns<WriteSender>,
}

impl WriterTask {
    async fn run(mut self) {
        while let Some(first) = self.first().await {
            let mut members = Vec::new();
            let end = match self.begin().await {
                Ok(()) => self.fill(first, &mut members).await,
                Err(error) => {
                    self.note_full_disk(&error);
                    // The first caller may have gone away.
                    let _ = first.send(Err(error));
                    self.reopen().await;
                    continue;
                }
            };
            if let Err(error) = &end {
                self.note_full_disk(error);
                self.reopen().await;
            }
            let end = end.map_err(Arc::new);
            for member in members {
                let _ = member.send(end.clone());
            }
        }
        if let Some(db) = Arc::into_inner(self.db) {
            // The closing fails only if the runtime ends. All data is committed.
            let _ = spawn_blocking(move || drop(db)).await;
        }
    }

    /// Waits for the first write of a group. Returns `None` once the store is closed and no caller waits.
    async fn first(&mut self) -> Option<WriteSender> {
        match self.next() {
            Some(waiting) => Some(waiting),
            None => self.incoming.recv().await.map(|(_, waiting)| waiting),
        }
    }

    /// Returns the next waiting caller, if any.
    fn next(&mut self) -> Option<WriteSender> {
        self.enqueue_incoming();
        self.waiting.pop(|_| true).map(|(_, waiting)| waiting)
    }

    fn enqueue_incoming(&mut self) {
        while let Ok((tenant, waiting)) = self.incoming.try_recv() {
            self.waiting.push(tenant, waiting);
        }
    }

    /// Begins a transaction. Usually this is immediate; if another program is writing, it waits for that program.
    async fn begin(&self) -> Result<(), StoreError> {
        let mut db = self.connection().await;
        let begin_without_waiting = |db: &Native| {
            db.busy_timeout(Duration::ZERO)?;
            let result = db.prepare_cached(BEGIN)?.raw_execute();
            db.busy_timeout(BUSY)?;
            match result {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
                result => Ok(result.map(|_| true)?),
            }
        };
        if !db.run(QueryThread::Current, Box::new(begin_without_waiting)).await? {
            query(BEGIN).blocking().execute(&mut db).await?;
        }
        query(SAVEPOINT).execute(&mut db).await?;
        Ok(())
    }

    /// Lends the connection to `first` and to the callers that wait behind it, then commits. On an error, SQLite has
    /// rolled back the whole transaction.
    async fn fill(&mut self, first: WriteSender, members: &mut Vec<CommitSender>) -> Result<(), StoreError> {
        let mut next = Some(first);
        while let Some(waiting) = next.take() {
            match self.lend(waiting).await {
                Some(member) => {
                    members.push(member);
                    self.enqueue_incoming();
                    if members.len() == GROUP_MAX || self.waiting.is_empty() {
                        break;
                    }
                    let mut db = self.connection().await;
                    query(RELEASE).execute(&mut db).await?;
                    query(SAVEPOINT).execute(&mut db).await?;
                }
                None => self.execute_blocking(ROLLBACK_TO_SAVEPOINT).await?,
            }
            next = self.next();
        }
        self.reserve.make_room_for_commit();
        self.execute_blocking(COMMIT).await
    }

    /// Lends the connection for one write. Returns `None` if the write is rolled back.
    async fn lend(&self, waiting: WriteSender) -> Option<CommitSender> {
        let (commit, member) = oneshot::channel();
        let db = self.connection().await;
        // If the caller has gone away, the value is dropped, which returns the connection.
        let _ = waiting.send(Ok(Write { db, commit }));
        member.await.ok()
    }

    async fn execute_blocking(&self, statement: &'static str) -> Result<(), StoreError> {
        query(statement).blocking().execute(&mut self.connection().await).await?;
        Ok(())
    }

    /// Returns the connection. Waits only while a statement of a caller that has gone away still runs.
    async fn connection(&self) -> Connection {
        Connection::writer(Arc::clone(&self.db).lock_owned().await)
    }

    fn note_full_disk(&self, error: &StoreError) {
        if error.is_disk_full() {
            self.reserve.ran_out();
        }
    }

    /// Opens a new connection after a failure, because the state of the old one is unknown.
    async fn reopen(&self) {
        let (mut db, path) = (Arc::clone(&self.db).lock_owned().await, self.path.clone());
        let reserve = Arc::clone(&self.reserve);
        let reopened = spawn_blocking(move || {
            // Most failures have already rolled back. If this one can't, closing the connection does.
            let _ = db.execute_batch(ROLLBACK);
            // If opening fails, the next write gets the error, and opening is tried again.
            if let Ok(fresh) = open_writer(&path, &*reserve) {
                *db = fresh;
            }
        });
        // The task fails only if its runtime ends.
        let _ = reopened.await;
    }
}
