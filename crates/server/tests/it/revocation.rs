//! Once a change of a key is answered, the next request on every connection uses it, also under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, wait_until};
use crate::raw_http;

const CLIENTS: usize = 50;

/// An HTTP/1.1 connection that stays open. It never reconnects, so the test fails if the server closes it.
struct KeepAliveClient {
    stream: TcpStream,
    request: String,
}

impl KeepAliveClient {
    async fn open(url: &str, secret: &str) -> Self {
        let stream = raw_http::connect(url).await;
        stream.set_nodelay(true).unwrap();
        let host = url.trim_start_matches("http://");
        let request = format!(
            "GET /api/v1/projects HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {secret}\r\n\r\n"
        );
        Self { stream, request }
    }

    async fn ask(&mut self) -> Answer {
        self.stream.write_all(self.request.as_bytes()).await.unwrap();
        raw_http::read_answer(&mut self.stream).await.expect("the connection stays open")
    }
}

/// The progress of a change. Only two points in time are certain: before the request is sent, and after the response is
/// read.
#[derive(Default)]
struct Change {
    requested: AtomicBool,
    answered: AtomicBool,
    /// The number of allowed requests before the change.
    before: AtomicUsize,
}

/// Sends requests with [`CLIENTS`] clients, changes the key, lets each client send `after` more requests, and returns the
/// number of expected denials. Requests during the change may have either result.
async fn change_under_load(
    api: &Api,
    after: usize,
    denied: (u16, &'static str),
    change_it: impl AsyncFnOnce(&CreatedKey),
) -> usize {
    let key = api.create_key_with(&["project"]).await;
    let change = Arc::new(Change::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let connection = KeepAliveClient::open(&api.server.url, &key.secret).await;
        clients.spawn(client(connection, Arc::clone(&change), after, denied));
    }
    wait_until("all clients send requests", async || {
        (change.before.load(Ordering::SeqCst) >= 2 * CLIENTS).then_some(())
    })
    .await;
    change.requested.store(true, Ordering::SeqCst);
    change_it(&key).await;
    change.answered.store(true, Ordering::SeqCst);
    clients.join_all().await.into_iter().sum()
}

async fn client(
    mut connection: KeepAliveClient,
    change: Arc<Change>,
    after: usize,
    denied: (u16, &'static str),
) -> usize {
    let mut counted = 0;
    while counted < after {
        // Read the flag before sending the request: only requests sent after the response count.
        let answered = change.answered.load(Ordering::SeqCst);
        let answer = connection.ask().await;
        if answered {
            answer.assert_problem(denied.0, denied.1);
            counted += 1;
        } else if !change.requested.load(Ordering::SeqCst) {
            assert_eq!(answer.status, 200, "before the change: {answer:?}");
            change.before.fetch_add(1, Ordering::SeqCst);
        }
    }
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_key_is_denied_in_10_000_requests() {
    let api = Api::start().await;
    let mut denied = 0;
    for _ in 0..20 {
        denied += change_under_load(&api, 10, (401, "deleted_key"), async |key| {
            let propagation = api.delete(&key.path()).await.ok().json();
            assert_eq!(propagation["propagation"]["confirmed"], 1);
        })
        .await;
    }
    assert_eq!(denied, 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edited_scopes_apply_to_each_request_under_load() {
    let api = Api::start().await;
    let mut denied = 0;
    for _ in 0..5 {
        denied += change_under_load(&api, 10, (403, "insufficient_scope"), async |key| {
            api.patch(&key.path(), json!({ "scopes": ["inference"] })).await.ok();
        })
        .await;
    }
    assert_eq!(denied, 2_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotated_secret_is_denied_under_load() {
    let api = Api::start().await;
    let mut denied = 0;
    for _ in 0..5 {
        denied += change_under_load(&api, 10, (401, "retired_secret"), async |key| {
            let new = api.rotate(key, "0s").await;
            api.projects(&new.secret).await.ok();
        })
        .await;
    }
    assert_eq!(denied, 2_500);
}
