//! Measures how long loading a million keys into a rack takes: reading and inserting.
//!
//! `cargo bench -p keyrack-store --bench loading`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use keyrack_key::Timestamp;
use keyrack_rack::{Feed, Follower, Rack, Revision, Snapshot};
use keyrack_store::Store;
use rand_core::UnwrapErr;

const ROUNDS: usize = 5;
const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// Writes the rows of a million creations, without the triggers that check each of them.
const KEYS: &str = "
    DROP TRIGGER changes_follow_the_counter;
    DROP TRIGGER keys_are_born_with_a_change;
    DROP TRIGGER secrets_of_deleted_keys;
    DROP TRIGGER feed_head_counts_by_one;
    PRAGMA foreign_keys = OFF;
    BEGIN;
    INSERT INTO workspaces (id, slug, name, created_at, audited)
        VALUES ('wsp_019a0000000070008000000000000001', 'acme', 'Acme', 1, 0);
    CREATE TEMP TABLE numbers AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
        SELECT i, 'key_019a' || printf('%08x', i) || '7000' || '8' || substr(lower(hex(randomblob(8))), 1, 15) AS id FROM n;
    INSERT INTO changes (revision, change_id, key_id, at) SELECT i, randomblob(16), id, 1 FROM numbers;
    INSERT INTO keys (id, workspace_id, name, folded, class, scopes, permissions, restrictions, created_by, created_at, revision)
        SELECT id, 'wsp_019a0000000070008000000000000001', 'line-' || i || '-camera', 'line-' || i || '-camera', 'secret',
               'project', 15, '{}', 'system', 1, i FROM numbers;
    INSERT INTO key_secrets (digest, key_id, hint, created_at)
        SELECT randomblob(32), id, 'abcd', 1 FROM numbers;
    UPDATE feed_head SET revision = 1000000, change_id = (SELECT change_id FROM changes WHERE revision = 1000000);
    COMMIT;";

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("keyrack.db");
    open(&path).await.close().await;
    rusqlite::Connection::open(&path).unwrap().execute_batch(KEYS).unwrap();
    let (mut reads, mut loads, mut both) = (Vec::new(), Vec::new(), Vec::new());
    let mut keys = 0;
    for _ in 0..ROUNDS {
        let store = open(&path).await;
        let started = Instant::now();
        let snapshot = whole(&store).await;
        reads.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        Rack::new().load(snapshot);
        loads.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let follower = Follower::new(store.clone(), Arc::new(Rack::new()));
        follower.catch_up_to(Revision::default(), NOW).await.unwrap();
        both.push(started.elapsed().as_secs_f64());
        keys = follower.rack().len();
        store.close().await;
    }
    println!("{keys} keys, medians of {ROUNDS} rounds\n\n| what | s |\n| --- | ---: |");
    println!("| read from the file | {:.2} |", median(reads));
    println!("| put in their places | {:.2} |", median(loads));
    println!("| both at once, as a server starts | {:.2} |", median(both));
}

async fn open(path: &Path) -> Store {
    Store::open(path, UnwrapErr(getrandom::SysRng)).await.unwrap()
}

async fn whole(store: &Store) -> Snapshot {
    let reading = store.snapshot(NOW).await.unwrap();
    tokio::task::spawn_blocking(move || reading.whole()).await.unwrap().unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
