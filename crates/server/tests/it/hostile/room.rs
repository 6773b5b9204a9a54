//! Clients that send large pictures slowly: there is room for a few of them, and the others are told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyrack_store::Role;
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::cast::Cast;
use crate::harness::{Answer, send, text, until};
use crate::predict::crowd::peak;
use crate::raw::{connect, read_answer};

/// Just what a picture may have, so that the room is full to its last byte.
const BYTES: usize = 10_000_000;
/// There is room for so many.
const FIT: usize = 8;
const CLIENTS: usize = 30;

/// The path of a place for a picture.
async fn place(cast: &Cast) -> String {
    let ask = format!("/api/v1/projects/{}/upload", cast.ours.project);
    let answer = cast.server.post(&ask, cast.key(), json!({ "name": "a.jpg" })).await.ok().json();
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
    async fn send(cast: &Cast, count: usize) -> Self {
        let (refused, end) = (Arc::default(), Arc::new(Notify::new()));
        let mut clients = Vec::new();
        for _ in 0..count {
            let path = place(cast).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn thirty_clients_that_send_slowly_hold_no_more_than_there_is_room_for() {
    let cast = Cast::assemble().await;
    let crowd = Crowd::send(&cast, CLIENTS).await;
    until("the others were sent away", async || {
        (crowd.refused.load(Ordering::Relaxed) == CLIENTS - FIT).then_some(())
    })
    .await;
    let peak = peak(cast.server.pid());
    assert!(peak < 350_000_000, "{peak}");
    let (busy, taken): (Vec<_>, Vec<_>) =
        crowd.let_go().await.into_iter().partition(|answer| answer.status == 503);
    assert_eq!((busy.len(), taken.len()), (CLIENTS - FIT, FIT));
    for answer in busy {
        answer.problem(503, "busy");
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    }
    taken.into_iter().for_each(|answer| assert_eq!(answer.status, 204, "{answer:?}"));
    // Nothing is held any more.
    let again = cast.server.request(Method::PUT, &place(&cast).await).body("x");
    assert_eq!(send(again).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_finds_no_room_either_and_says_so_of_each_image() {
    let cast = Cast::assemble().await;
    let crowd = Crowd::send(&cast, FIT).await;
    until("all but the last byte of each has arrived", async || {
        let metrics = cast.server.ops("/metrics").await.text;
        let full = format!("keyrack_pictures_held_bytes{{purpose=\"datasets\"}} {}\n", FIT * (BYTES - 1));
        metrics.contains(&full).then_some(())
    })
    .await;
    let form = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.png\"\r\n\r\nno picture at all\r\n--x--\r\n";
    let path = format!("/w/ours/projects/{}/images", cast.ours.project);
    let post = async || {
        let request = cast.member(Role::Owner).request(&cast.server, Method::POST, &path);
        send(request.header("content-type", "multipart/form-data; boundary=x").body(form)).await.text
    };
    let page = post().await;
    assert!(page.contains("the server is busy; send it again"), "{page}");
    crowd.let_go().await.into_iter().for_each(|answer| assert_eq!(answer.status, 204, "{answer:?}"));
    let page = post().await;
    assert!(!page.contains("busy") && page.contains("a.png"), "{page}");
}
