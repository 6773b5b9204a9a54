//! Errors of statements, rows, and connections that the tests of the store wouldn't detect.

use std::ops::ControlFlow;

use futures_util::FutureExt as _;
use keyrack_key::{Timestamp, WorkspaceId};
use rand_core::UnwrapErr;
use rusqlite::StatementStatus;
use tempfile::TempDir;

use super::connection::{Native, QueryThread};
use super::{Executor as _, Query, Row, query};
use crate::{Store, StoreError, with_tenant};

fn workspaces() -> [Option<WorkspaceId>; 2] {
    let workspace = |_| Some(WorkspaceId::new(Timestamp::from_micros(1), &mut UnwrapErr(getrandom::SysRng)));
    [1, 2].map(workspace)
}

async fn store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("keyrack.db"), UnwrapErr(getrandom::SysRng)).await.unwrap();
    (store, folder)
}

/// A query that takes longer than a single poll.
const LONG_LOOK: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    SELECT count(*) AS n FROM n, (SELECT count(*) FROM removals)";

const LONG_WRITE: &str = "INSERT INTO removals (prefix, due_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i, $1 FROM n";

async fn removals(store: &Store) -> i64 {
    let row = query("SELECT count(*) AS n FROM removals").fetch_one(store.readers()).await.unwrap();
    row.try_get("n").unwrap()
}

#[tokio::test]
async fn values_are_bound_by_number() {
    let (store, _folder) = store().await;
    let row = query("SELECT $3 AS c, $1 AS a, $2 AS b, $1 || $3 AS ac")
        .bind("a")
        .bind(2_i64)
        .bind(Some("c".to_owned()))
        .fetch_one(store.readers())
        .await
        .unwrap();
    let texts = ["a", "c", "ac"].map(|column| row.try_get::<&str>(column).unwrap());
    assert_eq!((texts, row.try_get::<i64>("b").unwrap()), (["a", "c", "ac"], 2));
}

#[tokio::test]
async fn missing_or_extra_values_are_an_error() {
    let (store, _folder) = store().await;
    for (sql, values) in
        [("SELECT $2", 1_i64), ("SELECT $1, $3", 2), ("SELECT $1", 2), ("SELECT 1", 1), ("SELECT ?1", 1)]
    {
        let query = (0..values).fold(query(sql), Query::bind);
        let answer = query.fetch_optional(store.readers()).await;
        assert!(matches!(answer, Err(StoreError::Database(_))), "{sql} with {values}");
    }
}

#[track_caller]
fn corrupt<T>(read: Result<T, StoreError>, column: &str) {
    let error = read.err();
    assert!(matches!(error, Some(StoreError::Corrupt { what }) if what == column), "{column}: {error:?}");
}

#[tokio::test]
async fn column_of_wrong_type_or_name_is_corrupt() {
    let (store, _folder) = store().await;
    let row = query(
        "SELECT 7 AS number, 'seven' AS text, x'07' AS bytes, NULL AS none, CAST(x'ff' AS TEXT) AS torn",
    )
    .fetch_one(store.readers())
    .await
    .unwrap();
    assert_eq!(row.try_get::<Option<i64>>("number").unwrap(), Some(7));
    assert_eq!(row.try_get::<Option<&str>>("none").unwrap(), None);
    assert_eq!(row.try_get::<&[u8]>("bytes").unwrap(), [7]);
    corrupt(row.try_get::<&str>("number"), "number");
    corrupt(row.try_get::<f64>("number"), "number");
    corrupt(row.try_get::<Option<i64>>("text"), "text");
    corrupt(row.try_get::<&[u8]>("text"), "text");
    corrupt(row.try_get::<String>("bytes"), "bytes");
    corrupt(row.try_get::<i64>("none"), "none");
    corrupt(row.try_get::<&str>("torn"), "torn");
    corrupt(row.try_get::<i64>("nowhere"), "nowhere");
}

#[tokio::test]
async fn fold_stops_on_break_and_on_error() {
    let (store, _folder) = store().await;
    let count = || query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n");
    let until_four = |sum, row: Row| {
        let number: i64 = row.try_get("i")?;
        Ok(if number == 4 { ControlFlow::Break(sum) } else { ControlFlow::Continue(sum + number) })
    };
    assert_eq!(count().fold(store.readers(), 0, until_four).await.unwrap(), 6);
    let failing = |(), row: Row| row.try_get::<&str>("i").map(|_| ControlFlow::Continue(()));
    assert!(matches!(
        count().fold(store.readers(), (), failing).await,
        Err(StoreError::Corrupt { what: "i" })
    ));
}

#[tokio::test]
async fn write_dropped_within_a_statement_rolls_back_alone() {
    let (store, _folder) = store().await;
    let mut dropped = store.write().await.unwrap();
    let insert = |prefix: &'static str| query("INSERT INTO removals VALUES ($1, 1, 0)").bind(prefix);
    insert("a").execute(&mut *dropped).await.unwrap();
    let mut long = query(LONG_WRITE).bind(1_i64).blocking().execute(&mut *dropped);
    assert!(long.as_mut().now_or_never().is_none(), "the statement does not block the thread of the caller");
    drop(long);
    // The blocking thread still holds the connection.
    assert!(matches!(insert("b").execute(&mut *dropped).await, Err(StoreError::Closed)));
    drop(dropped);
    let mut next = store.write().await.unwrap();
    insert("c").execute(&mut *next).await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(removals(&store).await, 1);
}

#[tokio::test]
async fn dropped_readers_return_to_the_pool_without_a_transaction() {
    let (store, folder) = store().await;
    for _ in 0..8 {
        let mut reader = store.read().await.unwrap();
        let long = query(LONG_LOOK).fetch_one(&mut *reader);
        assert!(long.now_or_never().is_none());
    }
    store.change(query("INSERT INTO removals VALUES ('a', 1, 0)")).await.unwrap();
    assert_eq!(removals(&store).await, 1);
    // Use each reader: one that still held an old state would block the checkpoint.
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(store.readers().acquire().await.unwrap());
    }
    let console = Native::open(folder.path().join("keyrack.db")).unwrap();
    let busy: i64 = console.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
}

#[tokio::test]
async fn workspace_with_many_reads_leaves_a_reader_for_others() {
    let (store, _folder) = store().await;
    let [flood, other] = workspaces();
    let acquire = |workspace| Box::pin(with_tenant(workspace, store.readers().acquire()));
    let mut held: Vec<_> = (0..3).map(|_| acquire(flood).now_or_never().unwrap().unwrap()).collect();
    let mut waiting: Vec<_> = (0..50).map(|_| acquire(flood)).collect();
    assert!(
        waiting.iter_mut().all(|one| one.now_or_never().is_none()),
        "the last reader is reserved for other workspaces"
    );
    let first = acquire(other).now_or_never().unwrap().unwrap();
    let mut second = acquire(other);
    assert!((&mut second).now_or_never().is_none(), "all readers are in use");
    // The server's own work waits for its turn, too.
    let mut own = acquire(None);
    assert!((&mut own).now_or_never().is_none());
    drop(first);
    let second = second.now_or_never().unwrap().unwrap();
    assert!((&mut own).now_or_never().is_none());
    // The busy workspace waited before the server, but already holds its share.
    held.pop();
    held.push(waiting.remove(0).now_or_never().unwrap().unwrap());
    assert!((&mut own).now_or_never().is_none());
    drop(second);
    let own = own.now_or_never().unwrap().unwrap();
    // Dropped callers release their readers.
    drop((waiting, held, own));
    let again: Vec<_> = (0..3).map(|_| acquire(other).now_or_never().unwrap().unwrap()).collect();
    drop(again);
    store.close().await;
    assert!(matches!(acquire(other).await.err(), Some(StoreError::Closed)));
}

#[tokio::test]
async fn closing_waits_for_queued_readers() {
    let (store, _folder) = store().await;
    let [flood, _] = workspaces();
    let mut reads: Vec<_> =
        (0..9).map(|_| Box::pin(with_tenant(flood, query(LONG_LOOK).fetch_one(store.readers())))).collect();
    for read in &mut reads {
        assert!(read.as_mut().now_or_never().is_none());
    }
    let (read, ()) = futures_util::future::join(futures_util::future::join_all(reads), store.close()).await;
    assert!(read.iter().all(Result::is_ok));
}

#[tokio::test]
async fn workspaces_take_turns_with_writes() {
    let (store, _folder) = store().await;
    let [flood, other] = workspaces();
    let first = store.write().await.unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let (store, order) = (&store, &order);
    let write = |workspace| async move {
        let write = with_tenant(workspace, store.write()).await.unwrap();
        order.lock().unwrap().push(workspace == other);
        write.commit().await.unwrap();
    };
    // In the order in which they are polled: fifty of the flood, then two of another workspace.
    let all = (0..50).map(|_| flood).chain([other, other]).map(write);
    let all = futures_util::future::join_all(all);
    futures_util::future::join(all, async {
        tokio::task::yield_now().await;
        first.commit().await.unwrap();
    })
    .await;
    let order = order.lock().unwrap();
    let places: Vec<_> = (0..order.len()).filter(|place| order[*place]).collect();
    assert_eq!((order.len(), places), (52, vec![1, 3]));
}

#[tokio::test]
async fn reader_sees_one_state_and_cannot_write() {
    let (store, _folder) = store().await;
    let mut reader = store.read().await.unwrap();
    let count = || query("SELECT count(*) AS n FROM removals");
    assert_eq!(count().fetch_one(&mut *reader).await.unwrap().try_get::<i64>("n").unwrap(), 0);
    store.change(query("INSERT INTO removals VALUES ('a', 1, 0)")).await.unwrap();
    assert_eq!(count().fetch_one(&mut *reader).await.unwrap().try_get::<i64>("n").unwrap(), 0);
    assert_eq!(removals(&store).await, 1);
    assert!(query("DELETE FROM removals").execute(&mut *reader).await.is_err());
}

#[tokio::test]
async fn write_waits_for_another_writing_program() {
    let (store, folder) = store().await;
    let console = Native::open(folder.path().join("keyrack.db")).unwrap();
    console.execute_batch("BEGIN IMMEDIATE; INSERT INTO removals VALUES ('theirs', 1, 0)").unwrap();
    let mut ours = Box::pin(store.change(query("INSERT INTO removals VALUES ('ours', 1, 0)")));
    for _ in 0..100 {
        assert!(ours.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    console.execute_batch("COMMIT").unwrap();
    ours.await.unwrap();
    assert_eq!(removals(&store).await, 2);
}

#[tokio::test]
async fn join_is_planned_once() {
    const JOIN: &str = "SELECT k.id, s.hint FROM keys k LEFT JOIN key_secrets s ON s.key_id = k.id
        WHERE k.workspace_id = $1 AND k.id = $2";
    let (store, _folder) = store().await;
    let mut reader = store.readers().acquire().await.unwrap();
    for id in ["a", "b", "c"] {
        query(JOIN).bind("w").bind(id).fetch_all(&mut *reader).await.unwrap();
    }
    let planned = |db: &Native| Ok(db.prepare_cached(JOIN)?.get_status(StatementStatus::RePrepare));
    assert_eq!(reader.run(QueryThread::Blocking, Box::new(planned)).await.unwrap(), 0);
}
