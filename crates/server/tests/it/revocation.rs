//! When a change of a key has been answered, the very next request feels it: on every connection, under load, each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::desk::{Desk, Made};
use crate::harness::{Answer, until};
use crate::raw;

const CLIENTS: usize = 50;

/// One HTTP/1.1 connection that stays open. It never connects again: a server that closed it would fail the test.
struct Line {
    stream: TcpStream,
    request: String,
}

impl Line {
    async fn open(url: &str, secret: &str) -> Self {
        let stream = raw::connect(url).await;
        stream.set_nodelay(true).unwrap();
        let host = url.trim_start_matches("http://");
        let request = format!(
            "GET /api/v1/projects HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {secret}\r\n\r\n"
        );
        Self { stream, request }
    }

    async fn ask(&mut self) -> Answer {
        self.stream.write_all(self.request.as_bytes()).await.unwrap();
        raw::read_answer(&mut self.stream).await.expect("the connection stays open")
    }
}

/// Where a change of a key stands. Only these two moments are sure: before it was asked for, and after its answer was read.
#[derive(Default)]
struct Change {
    asked: AtomicBool,
    answered: AtomicBool,
    /// Requests that were let through before.
    before: AtomicUsize,
}

/// Hammers a key with [`CLIENTS`] clients, changes it, lets each client send `after` more requests, and counts those
/// that were refused in the way that is expected. Requests that were under way during the change may go either way.
async fn hammer(
    desk: &Desk,
    after: usize,
    refused: (u16, &'static str),
    change_it: impl AsyncFnOnce(&Made),
) -> usize {
    let key = desk.key(&["project"]).await;
    let change = Arc::new(Change::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let line = Line::open(&desk.server.url, &key.secret).await;
        clients.spawn(client(line, Arc::clone(&change), after, refused));
    }
    until("all clients hammer", async || (change.before.load(Ordering::SeqCst) >= 2 * CLIENTS).then_some(()))
        .await;
    change.asked.store(true, Ordering::SeqCst);
    change_it(&key).await;
    change.answered.store(true, Ordering::SeqCst);
    clients.join_all().await.into_iter().sum()
}

async fn client(mut line: Line, change: Arc<Change>, after: usize, refused: (u16, &'static str)) -> usize {
    let mut counted = 0;
    while counted < after {
        // Read before the request is begun: it was sent after the change's answer, or it does not count.
        let answered = change.answered.load(Ordering::SeqCst);
        let answer = line.ask().await;
        if answered {
            answer.refused(refused.0, refused.1);
            counted += 1;
        } else if !change.asked.load(Ordering::SeqCst) {
            assert_eq!(answer.status, 200, "before anything was changed: {answer:?}");
            change.before.fetch_add(1, Ordering::SeqCst);
        }
    }
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_delete_each_of_10_000_requests_is_refused() {
    let desk = Desk::open().await;
    let mut refused = 0;
    for _ in 0..20 {
        refused += hammer(&desk, 10, (401, "deleted_key"), async |key| {
            let propagation = desk.delete(&key.path()).await.ok().json();
            assert_eq!(propagation["propagation"]["confirmed"], 1);
        })
        .await;
    }
    assert_eq!(refused, 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_edit_scopes_each_request_has_the_new_rights() {
    let desk = Desk::open().await;
    let mut refused = 0;
    for _ in 0..5 {
        refused += hammer(&desk, 10, (403, "insufficient_scope"), async |key| {
            desk.patch(&key.path(), json!({ "scopes": ["inference"] })).await.ok();
        })
        .await;
    }
    assert_eq!(refused, 2_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_without_overlap_the_old_secret_is_refused_each_time() {
    let desk = Desk::open().await;
    let mut refused = 0;
    for _ in 0..5 {
        refused += hammer(&desk, 10, (401, "retired_secret"), async |key| {
            let new = desk.rotate(key, "0s").await;
            desk.projects(&new.secret).await.ok();
        })
        .await;
    }
    assert_eq!(refused, 2_500);
}
