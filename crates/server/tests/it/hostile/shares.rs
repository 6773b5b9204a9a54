//! One key that uses up its share of a limited resource: other keys are still served. Other modules test the remaining
//! resources.

use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::fixtures::AccessFixture;
use crate::harness::{send, text};
use crate::predict::fixture::PredictionFixture;
use crate::raw_http::{connect, read_answer};

/// Panics unless the problem says that the key's share of `of` is used up.
fn assert_share_used_up(problem: &Value, of: &str) {
    let message = text(&problem["message"]);
    assert!(message.starts_with("This API key already uses its share") && message.contains(of), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn node_registrations_of_one_key_stay_within_share() {
    let fixture = AccessFixture::start().await;
    let register = async |key: &str| fixture.server.post("/api/v1/nodes", key, json!({ "name": "n" })).await;
    for _ in 0..8 {
        let registered = join_all((0..50).map(|_| register(fixture.key()))).await;
        registered.iter().for_each(|answer| assert_eq!(answer.status, 201, "{answer:?}"));
    }
    let denied = register(fixture.key()).await;
    assert_share_used_up(&denied.problem(429, "share_used_up"), "nodes");
    assert!(!denied.header("retry-after").is_empty(), "{denied:?}");
    assert_eq!(register(&fixture.their_key).await.status, 201);
}

/// The largest allowed list, in bytes.
const LIST: usize = 4 * 1024 * 1024;
/// The number of lists that fit into the share of a key.
const LISTS_OF_A_KEY: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn slow_request_bodies_of_one_key_stay_within_share() {
    let fixture = AccessFixture::start().await;
    let labels = |project| format!("/api/v1/projects/{project}/annotations/labels");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {LIST}\r\n\r\n",
        labels(fixture.ours.project),
        fixture.host(),
        fixture.key()
    );
    let until_held = async |bytes: usize| {
        let line = format!("keyrack_memory_bytes{{purpose=\"request_bodies\"}} {bytes}\n");
        crate::harness::wait_until("the lists are held in memory", async || {
            fixture.server.ops("/metrics").await.text.contains(&line).then_some(())
        })
        .await;
    };
    let mut lists = Vec::new();
    for sent in 1..=LISTS_OF_A_KEY {
        let mut list = connect(&fixture.server.url).await;
        list.write_all(head.as_bytes()).await.unwrap();
        list.write_all(&vec![b' '; LIST - 1]).await.unwrap();
        until_held(sent * (LIST - 1)).await;
        lists.push(list);
    }
    let long = |bytes: usize| json!([{ "name": "cap", "color": "x".repeat(bytes) }]);
    let denied = fixture.server.post(&labels(fixture.ours.project), fixture.key(), long(100_000)).await;
    assert_share_used_up(&denied.problem(429, "share_used_up"), "memory for request bodies");
    // Small lists of this key and large lists of other keys are still accepted.
    fixture.server.post(&labels(fixture.ours.project), fixture.key(), long(10)).await.ok();
    fixture.server.post(&labels(fixture.theirs.project), &fixture.their_key, long(LIST - 100)).await.ok();
    for mut list in lists {
        list.write_all(b" ").await.unwrap();
        read_answer(&mut list).await.unwrap().problem(400, "not_json");
    }
    until_held(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_streams_of_one_key_stay_within_share() {
    let predictions = PredictionFixture::start().await;
    let (_, queued) = predictions.unready.iter().find(|(status, _)| *status == "queued").unwrap();
    let path = format!("/api/v1/models/{queued}/events");
    let follow = async |key: &str| -> Response {
        predictions.server.request(Method::GET, &path).bearer_auth(key).send().await.unwrap()
    };
    let [flood, other] = [
        predictions.server.create_secret(&["project"]).await,
        predictions.server.create_secret(&["project"]).await,
    ];
    let mut open = Vec::new();
    let denied = loop {
        let response = follow(&flood).await;
        if response.status() != 200 {
            break response;
        }
        open.push(response);
    };
    assert_eq!((open.len(), denied.status().as_u16()), (250, 429));
    assert_share_used_up(&denied.json().await.unwrap(), "event streams");
    assert_eq!(follow(&other).await.status(), 200);
    // A stream that ends makes room for another.
    open.pop();
    crate::harness::wait_until("another stream can open", async || {
        (follow(&flood).await.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn image_over_key_limit_is_rejected_before_full_body() {
    let predictions = PredictionFixture::start().await;
    let key = predictions.server.create_key(&["inference"], &["--max-image-size", "1000B"]).await;
    let (url, key) = (&predictions.server.url, text(&key["secret"]));
    for (kind, sent) in [("image/png", 1_001), ("application/json", 80_000)] {
        let mut stream = connect(url).await;
        let (host, model) = (url.trim_start_matches("http://"), &predictions.classifier);
        let head = format!(
            "POST /api/v1/predict/classify/{model} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\n\
             content-type: {kind}\r\ncontent-length: 9000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The response comes before the rest of the body.
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        read_answer(&mut stream).await.unwrap().problem(413, "image_too_large_for_key");
    }
    let small = json!({ "image": "AAAA" });
    let path = format!("/api/v1/predict/classify/{}", predictions.classifier);
    let answer =
        send(predictions.server.request(Method::POST, &path).header("x-api-key", &key).json(&small)).await;
    answer.problem(415, "not_an_image");
}
