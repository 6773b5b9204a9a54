//! Clients that send large pictures slowly: there is room for a few of them, and the others are told to come again. One
//! key, and one workspace, never hold all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyrack_key::{ProjectId, Scope};
use keyrack_store::Role;
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::cast::Cast;
use crate::harness::{Answer, send, text, until};
use crate::predict::crowd::peak;
use crate::raw::{connect, read_answer};

/// Just what a picture may have, so that the share is used up to its last byte.
const BYTES: usize = 10_000_000;
/// So many fit into the share of a key.
const OF_A_KEY: usize = 6;
/// So many fit into the share of a workspace.
const OF_A_WORKSPACE: usize = 9;
const CLIENTS: usize = 30;

/// The path of a place for a picture.
pub(super) async fn place(cast: &Cast, key: &str, project: ProjectId) -> String {
    let ask = format!("/api/v1/projects/{project}/upload");
    let answer = cast.server.post(&ask, key, json!({ "name": "a.jpg" })).await.ok().json();
    text(&answer["uploadUrl"]).strip_prefix(&cast.server.url).unwrap().to_owned()
}

/// Sends all but the last byte, and that one when it is told to. Who is refused does not wait for that.
async fn slowly(url: String, path: String, refused: Arc<AtomicUsize>, end: Arc<Notify>) -> Answer {
    let (mut read, mut write) = connect(&url).await.into_split();
    let host = url.trim_start_matches("http://");
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {BYTES}\r\n\r\n");
    let ended = end.notified();
    tokio::pin!(ended);
    ended.as_mut().enable();
    // The server answers and closes before it has read what it does not take.
    let _ = write.write_all(head.as_bytes()).await;
    let _ = write.write_all(&vec![b'x'; BYTES - 1]).await;
    tokio::select! {
        answer = read_answer(&mut read) => {
            refused.fetch_add(1, Ordering::Relaxed);
            answer.unwrap()
        }
        () = ended => {
            write.write_all(b"x").await.unwrap();
            read_answer(&mut read).await.unwrap()
        }
    }
}

struct Crowd {
    clients: Vec<tokio::task::JoinHandle<Answer>>,
    refused: Arc<AtomicUsize>,
    end: Arc<Notify>,
}

impl Crowd {
    /// So many clients of one key of our workspace.
    async fn send(cast: &Cast, key: &str, count: usize) -> Self {
        let (refused, end) = (Arc::default(), Arc::new(Notify::new()));
        let mut clients = Vec::new();
        for _ in 0..count {
            let path = place(cast, key, cast.ours.project).await;
            clients.push(tokio::spawn(slowly(
                cast.server.url.clone(),
                path,
                Arc::clone(&refused),
                Arc::clone(&end),
            )));
        }
        Self { clients, refused, end }
    }

    async fn let_go(self) -> Vec<Answer> {
        self.end.notify_waiters();
        let answers = futures_util::future::join_all(self.clients).await;
        answers.into_iter().map(Result::unwrap).collect()
    }
}

async fn held(cast: &Cast, bytes: usize) {
    until("all but the last byte of each has arrived", async || {
        let metrics = cast.server.ops("/metrics").await.text;
        let full = format!("keyrack_memory_bytes{{purpose=\"dataset_images\"}} {bytes}\n");
        metrics.contains(&full).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_clients_that_send_slowly_hold_no_more_than_the_share_of_their_key() {
    let cast = Cast::assemble().await;
    let crowd = Crowd::send(&cast, cast.key(), CLIENTS).await;
    until("the others were sent away", async || {
        (crowd.refused.load(Ordering::Relaxed) == CLIENTS - OF_A_KEY).then_some(())
    })
    .await;
    let peak = peak(cast.server.pid());
    assert!(peak < 350_000_000, "{peak}");
    let (busy, taken): (Vec<_>, Vec<_>) =
        crowd.let_go().await.into_iter().partition(|answer| answer.status == 429);
    assert_eq!((busy.len(), taken.len()), (CLIENTS - OF_A_KEY, OF_A_KEY));
    for answer in busy {
        let says = answer.problem(429, "share_used_up");
        assert!(text(&says["message"]).starts_with("This API key already uses its share"), "{says}");
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    }
    taken.into_iter().for_each(|answer| assert_eq!(answer.status, 204, "{answer:?}"));
    // Nothing is held any more.
    let again = cast.server.request(Method::PUT, &place(&cast, cast.key(), cast.ours.project).await);
    assert_eq!(send(again.body("x")).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_at_its_worst_leaves_memory_to_another_and_a_key_to_its_own_people() {
    let cast = Cast::assemble().await;
    let form = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.png\"\r\n\r\nno picture at all\r\n--x--\r\n";
    let path = format!("/w/ours/projects/{}/images", cast.ours.project);
    let post = async || {
        let request = cast.member(Role::Owner).request(&cast.server, Method::POST, &path);
        send(request.header("content-type", "multipart/form-data; boundary=x").body(form)).await.text
    };
    let one_key = Crowd::send(&cast, cast.key(), OF_A_KEY).await;
    held(&cast, OF_A_KEY * (BYTES - 1)).await;
    let page = post().await;
    assert!(!page.contains("busy") && page.contains("a.png"), "{page}");

    let other_key = &cast.holding(&[Scope::Project]).secret;
    let whole = Crowd::send(&cast, other_key, OF_A_WORKSPACE - OF_A_KEY).await;
    held(&cast, OF_A_WORKSPACE * (BYTES - 1)).await;
    let page = post().await;
    assert!(page.contains("the server is busy; send it again"), "{page}");
    let third_key = &cast.holding(&[Scope::Project, Scope::Inference]).secret;
    let refused = place(&cast, third_key, cast.ours.project).await;
    let refused = send(cast.server.request(Method::PUT, &refused).body(vec![b'x'; 100])).await;
    let says = refused.problem(429, "share_used_up");
    assert!(text(&says["message"]).starts_with("This workspace already uses its share"), "{says}");
    let theirs = place(&cast, &cast.their_key, cast.theirs.project).await;
    let theirs = send(cast.server.request(Method::PUT, &theirs).body(vec![b'x'; BYTES])).await;
    assert_eq!(theirs.status, 204, "{theirs:?}");

    for crowd in [one_key, whole] {
        crowd.let_go().await.into_iter().for_each(|answer| assert_eq!(answer.status, 204, "{answer:?}"));
    }
    let page = post().await;
    assert!(!page.contains("busy") && page.contains("a.png"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_send_to_one_url_the_newest_holds_memory_and_no_other() {
    let cast = Cast::assemble().await;
    let path = place(&cast, cast.key(), cast.ours.project).await;
    let (refused, end) = (Arc::<AtomicUsize>::default(), Arc::new(Notify::new()));
    let mut clients = Vec::new();
    for before in 0..8 {
        let (url, refused, end) = (cast.server.url.clone(), Arc::clone(&refused), Arc::clone(&end));
        clients.push(tokio::spawn(slowly(url, path.clone(), Arc::clone(&refused), end)));
        until("the one before was sent away", async || {
            (refused.load(Ordering::Relaxed) == before).then_some(())
        })
        .await;
        held(&cast, BYTES - 1).await;
    }
    end.notify_waiters();
    let mut answers = futures_util::future::join_all(clients).await.into_iter().map(Result::unwrap);
    let last = answers.next_back().unwrap();
    answers.for_each(|answer| drop(answer.problem(409, "upload_replaced")));
    assert_eq!(last.status, 204, "{last:?}");
}
