//! One key at its worst, for each bound of the process that is not tested beside what it bounds: others go on.

use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::cast::Cast;
use crate::harness::{send, text};
use crate::predict::studio::Studio;
use crate::raw::{connect, read_answer};

/// That somebody is told that the share of its key is used up.
fn told(says: &Value, of: &str) {
    let message = text(&says["message"]);
    assert!(message.starts_with("This API key already uses its share") && message.contains(of), "{says}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_registers_nodes_without_end_leaves_places_to_other_workspaces() {
    let cast = Cast::assemble().await;
    let register = async |key: &str| cast.server.post("/api/v1/nodes", key, json!({ "name": "n" })).await;
    for _ in 0..8 {
        let registered = join_all((0..50).map(|_| register(cast.key()))).await;
        registered.iter().for_each(|answer| assert_eq!(answer.status, 201, "{answer:?}"));
    }
    let refused = register(cast.key()).await;
    told(&refused.problem(429, "share_used_up"), "nodes");
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    assert_eq!(register(&cast.their_key).await.status, 201);
}

/// The most that a list may have.
const LIST: usize = 4 * 1024 * 1024;
/// So many fit into the share of a key.
const LISTS_OF_A_KEY: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_sends_long_lists_slowly_leaves_memory_to_other_workspaces() {
    let cast = Cast::assemble().await;
    let labels = |project| format!("/api/v1/projects/{project}/annotations/labels");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {LIST}\r\n\r\n",
        labels(cast.ours.project),
        cast.host(),
        cast.key()
    );
    let until_held = async |bytes: usize| {
        let line = format!("keyrack_memory_bytes{{purpose=\"request_bodies\"}} {bytes}\n");
        crate::harness::until("so many bytes are held", async || {
            cast.server.ops("/metrics").await.text.contains(&line).then_some(())
        })
        .await;
    };
    let mut lists = Vec::new();
    for sent in 1..=LISTS_OF_A_KEY {
        let mut list = connect(&cast.server.url).await;
        list.write_all(head.as_bytes()).await.unwrap();
        list.write_all(&vec![b' '; LIST - 1]).await.unwrap();
        until_held(sent * (LIST - 1)).await;
        lists.push(list);
    }
    let long = |bytes: usize| json!([{ "name": "cap", "color": "x".repeat(bytes) }]);
    let denied = cast.server.post(&labels(cast.ours.project), cast.key(), long(100_000)).await;
    told(&denied.problem(429, "share_used_up"), "memory for request bodies");
    // Small ones come in, and long ones of others.
    cast.server.post(&labels(cast.ours.project), cast.key(), long(10)).await.ok();
    cast.server.post(&labels(cast.theirs.project), &cast.their_key, long(LIST - 100)).await.ok();
    for mut list in lists {
        list.write_all(b" ").await.unwrap();
        read_answer(&mut list).await.unwrap().problem(400, "not_json");
    }
    until_held(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_opens_streams_without_end_leaves_some_to_others() {
    let studio = Studio::open().await;
    let (_, queued) = studio.unready.iter().find(|(status, _)| *status == "queued").unwrap();
    let path = format!("/api/v1/models/{queued}/events");
    let follow = async |key: &str| -> Response {
        studio.server.request(Method::GET, &path).bearer_auth(key).send().await.unwrap()
    };
    let [flood, other] = [studio.server.key(&["project"]).await, studio.server.key(&["project"]).await];
    let mut open = Vec::new();
    let refused = loop {
        let response = follow(&flood).await;
        if response.status() != 200 {
            break response;
        }
        open.push(response);
    };
    assert_eq!((open.len(), refused.status().as_u16()), (250, 429));
    told(&refused.json().await.unwrap(), "event streams");
    assert_eq!(follow(&other).await.status(), 200);
    // One that ends makes room for the next.
    open.pop();
    crate::harness::until("its place is free", async || (follow(&flood).await.status() == 200).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gathers_no_more_memory_than_its_own_limit_of_images() {
    let studio = Studio::open().await;
    let key = studio.server.make_key(&["inference"], &["--max-image-size", "1000B"]).await;
    let (url, key) = (&studio.server.url, text(&key["secret"]));
    for (kind, sent) in [("image/png", 1_001), ("application/json", 80_000)] {
        let mut stream = connect(url).await;
        let (host, model) = (url.trim_start_matches("http://"), &studio.classifier);
        let head = format!(
            "POST /api/v1/predict/classify/{model} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\n\
             content-type: {kind}\r\ncontent-length: 9000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // No more than a little of the body: the answer comes before the rest.
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        read_answer(&mut stream).await.unwrap().problem(413, "image_too_large_for_key");
    }
    let small = json!({ "image": "AAAA" });
    let path = format!("/api/v1/predict/classify/{}", studio.classifier);
    let answer =
        send(studio.server.request(Method::POST, &path).header("x-api-key", &key).json(&small)).await;
    answer.problem(415, "not_an_image");
}
