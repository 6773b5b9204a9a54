//! Clients that upload large images slowly: the memory budget holds a few of them, and the others get a problem with
//! `Retry-After`. One key or one workspace never holds the whole budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyrack_key::{ProjectId, Scope};
use keyrack_store::Role;
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send, text, wait_until};
use crate::predict::load::peak;
use crate::raw_http::{connect, read_answer};

/// The largest allowed image, so that the share is used to its last byte.
const BYTES: usize = 10_000_000;
/// The number of uploads that fit into the share of a key.
const KEY_SHARE: usize = 6;
/// The number of uploads that fit into the share of a workspace.
const WORKSPACE_SHARE: usize = 9;
const CLIENTS: usize = 30;

/// Requests an upload URL and returns its path.
pub(super) async fn upload_path(fixture: &AccessFixture, key: &str, project: ProjectId) -> String {
    let ask = format!("/api/v1/projects/{project}/upload");
    let answer = fixture.server.post(&ask, key, json!({ "name": "a.jpg" })).await.ok().json();
    text(&answer["uploadUrl"]).strip_prefix(&fixture.server.url).unwrap().to_owned()
}

/// Sends all but the last byte, and the last byte on notification. Returns at once if the server denies the request.
async fn send_slowly(url: String, path: String, denied: Arc<AtomicUsize>, end: Arc<Notify>) -> Answer {
    let (mut read, mut write) = connect(&url).await.into_split();
    let host = url.trim_start_matches("http://");
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {BYTES}\r\n\r\n");
    let ended = end.notified();
    tokio::pin!(ended);
    ended.as_mut().enable();
    // The server can respond and close the connection before it has read the body.
    let _ = write.write_all(head.as_bytes()).await;
    let _ = write.write_all(&vec![b'x'; BYTES - 1]).await;
    tokio::select! {
        answer = read_answer(&mut read) => {
            denied.fetch_add(1, Ordering::Relaxed);
            answer.unwrap()
        }
        () = ended => {
            write.write_all(b"x").await.unwrap();
            read_answer(&mut read).await.unwrap()
        }
    }
}

struct SlowClients {
    clients: Vec<tokio::task::JoinHandle<Answer>>,
    denied: Arc<AtomicUsize>,
    end: Arc<Notify>,
}

impl SlowClients {
    /// Starts `count` uploads with one key to our project.
    async fn send(fixture: &AccessFixture, key: &str, count: usize) -> Self {
        let (denied, end) = (Arc::default(), Arc::new(Notify::new()));
        let mut clients = Vec::new();
        for _ in 0..count {
            let path = upload_path(fixture, key, fixture.ours.project).await;
            clients.push(tokio::spawn(send_slowly(
                fixture.server.url.clone(),
                path,
                Arc::clone(&denied),
                Arc::clone(&end),
            )));
        }
        Self { clients, denied, end }
    }

    async fn finish(self) -> Vec<Answer> {
        self.end.notify_waiters();
        let answers = futures_util::future::join_all(self.clients).await;
        answers.into_iter().map(Result::unwrap).collect()
    }
}

async fn wait_until_held(fixture: &AccessFixture, bytes: usize) {
    wait_until("all but the last byte of each has arrived", async || {
        let metrics = fixture.server.ops("/metrics").await.text;
        let full = format!("keyrack_memory_bytes{{purpose=\"dataset_images\"}} {bytes}\n");
        metrics.contains(&full).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_of_one_key_stay_within_key_share() {
    let fixture = AccessFixture::start().await;
    let crowd = SlowClients::send(&fixture, fixture.key(), CLIENTS).await;
    wait_until("the other uploads are denied", async || {
        (crowd.denied.load(Ordering::Relaxed) == CLIENTS - KEY_SHARE).then_some(())
    })
    .await;
    let peak = peak(fixture.server.pid());
    assert!(peak < 350_000_000, "{peak}");
    let (busy, taken): (Vec<_>, Vec<_>) =
        crowd.finish().await.into_iter().partition(|answer| answer.status == 429);
    assert_eq!((busy.len(), taken.len()), (CLIENTS - KEY_SHARE, KEY_SHARE));
    for answer in busy {
        let response = answer.problem(429, "share_used_up");
        assert!(text(&response["message"]).starts_with("This API key already uses its share"), "{response}");
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    }
    taken.into_iter().for_each(|answer| assert_eq!(answer.status, 204, "{answer:?}"));
    // All memory is free again.
    let again = fixture
        .server
        .request(Method::PUT, &upload_path(&fixture, fixture.key(), fixture.ours.project).await);
    assert_eq!(send(again.body("x")).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_workspace_leaves_memory_to_other_workspace() {
    let fixture = AccessFixture::start().await;
    let form = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.png\"\r\n\r\nno picture at all\r\n--x--\r\n";
    let path = format!("/w/ours/projects/{}/images", fixture.ours.project);
    let post = async || {
        let request = fixture.member(Role::Owner).request(&fixture.server, Method::POST, &path);
        send(request.header("content-type", "multipart/form-data; boundary=x").body(form)).await.text
    };
    let one_key = SlowClients::send(&fixture, fixture.key(), KEY_SHARE).await;
    wait_until_held(&fixture, KEY_SHARE * (BYTES - 1)).await;
    let page = post().await;
    assert!(!page.contains("busy") && page.contains("a.png"), "{page}");

    let other_key = &fixture.key_with_scopes(&[Scope::Project]).secret;
    let whole = SlowClients::send(&fixture, other_key, WORKSPACE_SHARE - KEY_SHARE).await;
    wait_until_held(&fixture, WORKSPACE_SHARE * (BYTES - 1)).await;
    let page = post().await;
    assert!(page.contains("the server is busy. Upload it again"), "{page}");
    let third_key = &fixture.key_with_scopes(&[Scope::Project, Scope::Inference]).secret;
    let denied = upload_path(&fixture, third_key, fixture.ours.project).await;
    let denied = send(fixture.server.request(Method::PUT, &denied).body(vec![b'x'; 100])).await;
    let response = denied.problem(429, "share_used_up");
    assert!(text(&response["message"]).starts_with("This workspace already uses its share"), "{response}");
    let theirs = upload_path(&fixture, &fixture.their_key, fixture.theirs.project).await;
    let theirs = send(fixture.server.request(Method::PUT, &theirs).body(vec![b'x'; BYTES])).await;
    assert_eq!(theirs.status, 204, "{theirs:?}");

    for crowd in [one_key, whole] {
        crowd.finish().await.into_iter().for_each(|answer| assert_eq!(answer.status, 204, "{answer:?}"));
    }
    let page = post().await;
    assert!(!page.contains("busy") && page.contains("a.png"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_upload_to_one_url_replaces_older_ones() {
    let fixture = AccessFixture::start().await;
    let path = upload_path(&fixture, fixture.key(), fixture.ours.project).await;
    let (denied, end) = (Arc::<AtomicUsize>::default(), Arc::new(Notify::new()));
    let mut clients = Vec::new();
    for before in 0..8 {
        let (url, denied, end) = (fixture.server.url.clone(), Arc::clone(&denied), Arc::clone(&end));
        clients.push(tokio::spawn(send_slowly(url, path.clone(), Arc::clone(&denied), end)));
        wait_until("the previous upload is replaced", async || {
            (denied.load(Ordering::Relaxed) == before).then_some(())
        })
        .await;
        wait_until_held(&fixture, BYTES - 1).await;
    }
    end.notify_waiters();
    let mut answers = futures_util::future::join_all(clients).await.into_iter().map(Result::unwrap);
    let last = answers.next_back().unwrap();
    answers.for_each(|answer| drop(answer.problem(409, "upload_replaced")));
    assert_eq!(last.status, 204, "{last:?}");
}
