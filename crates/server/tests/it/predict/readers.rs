//! Clients that send a request and do not read its answer, or announce more than they may send.

use std::time::Duration;

use image::ImageFormat;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::crowd::resident;
use super::paint::{encoded, noise};
use super::studio::Studio;
use crate::harness::{Server, send, text, until};
use crate::raw::connect;

/// The longest that any end is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// The value of a metric; zero where it is not there yet.
async fn metric(server: &Server, line: &str) -> u64 {
    let metrics = server.ops("/metrics").await.text;
    let value = metrics.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

async fn held(server: &Server) -> u64 {
    metric(server, "keyrack_memory_bytes{purpose=\"prediction_responses\"}").await
}

/// What comes before the connection ends, whichever way it ends.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    let _ = timeout(LIMIT, stream.read_to_end(&mut read)).await.expect("the connection ends");
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_are_given_up_and_their_memory_with_them() {
    const CLIENTS: usize = 3;
    let studio = Studio::open().await;
    let picture = encoded(&noise(1_200, 1_200), ImageFormat::Jpeg);
    let head = format!(
        "POST /api/v1/predict/detect/{} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: image/jpeg\r\n\
         content-length: {}\r\n\r\n",
        studio.detector,
        studio.key,
        picture.len()
    );
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = connect(&studio.server.url).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&picture).await.unwrap();
        // The answer begins to arrive: nobody else waits for a turn meanwhile.
        stream.readable().await.unwrap();
        clients.push(stream);
    }
    // Each is larger than what lies in the sockets.
    until("answers wait to be read", async || (held(&studio.server).await > 1_000_000).then_some(())).await;
    let stalled = "keyrack_connections_stalled_total{listener=\"public\"}";
    until("they are given up", async || {
        (metric(&studio.server, stalled).await == CLIENTS as u64).then_some(())
    })
    .await;
    until("nothing is held any more", async || (held(&studio.server).await == 0).then_some(())).await;
    for client in clients {
        let read = rest(client).await;
        assert!(read.len() < 1_000_000, "{} bytes of an answer that was given up", read.len());
    }
    // One that is read comes whole, however large.
    let request = studio.request("detect", &studio.detector).header("content-type", "image/jpeg");
    let answer = send(request.body(picture)).await.ok();
    assert!(answer.json()["image"].as_str().unwrap().len() > 1_000_000);
    assert_eq!(held(&studio.server).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_nobody_reads_are_not_held_in_memory() {
    const CLIENTS: usize = 20;
    let studio = Studio::open().await;
    let key = studio.server.key(&["project"]).await;
    let picture = encoded(&noise(1_800, 1_800), ImageFormat::Png);
    let size = picture.len();
    assert!(size > 9_000_000);
    let project = format!("/api/v1/projects/{}", studio.project);
    let place = studio.server.post(&format!("{project}/upload"), &key, json!({ "name": "a.png" })).await;
    let place = place.ok().json();
    let url = text(&place["uploadUrl"]);
    let path = url.strip_prefix(&studio.server.url).unwrap();
    send(studio.server.request(Method::PUT, path).body(picture)).await.ok();
    let record = json!({ "name": "a.png", "source": place["uri"] });
    let record = studio.server.post(&format!("{project}/datasets/records"), &key, record).await.ok().json();
    let path = format!("{project}/datasets/records/{}/image", text(&record["id"]));
    assert_eq!(studio.server.get(&path, &key).await.ok().header("content-length"), size.to_string());
    let before = resident(studio.server.pid());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = connect(&studio.server.url).await;
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        clients.push(stream);
    }
    let answered = "keyrack_http_requests_total{method=\"GET\",\
                    route=\"/api/v1/projects/{id}/datasets/records/{record}/image\",status=\"200\"}";
    until("all are answered", async || {
        (metric(&studio.server, answered).await == 1 + CLIENTS as u64).then_some(())
    })
    .await;
    for client in &clients {
        client.readable().await.unwrap();
    }
    let grown = resident(studio.server.pid()).saturating_sub(before);
    assert!(grown < (CLIENTS * size / 4) as u64, "{grown} bytes more for {CLIENTS} images of {size}");
}

/// The first line of what a server answers to a head alone.
async fn first_line(server: &Server, head: &str) -> String {
    let mut stream = connect(&server.url).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.contains(&b'\n') {
        let count = timeout(LIMIT, stream.read_buf(&mut read)).await.expect("an answer").unwrap();
        assert!(count > 0, "closed without a word");
    }
    String::from_utf8_lossy(&read).lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_picture_that_is_announced_too_large_is_refused_before_it_is_sent() {
    let studio = Studio::open().await;
    for kind in ["application/json", "image/jpeg", "multipart/form-data; boundary=x"] {
        let head = format!(
            "POST /api/v1/predict/classify/{} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: {kind}\r\n\
             expect: 100-continue\r\ncontent-length: 30000000\r\n\r\n",
            studio.classifier, studio.key
        );
        assert_eq!(first_line(&studio.server, &head).await, "HTTP/1.1 413 Payload Too Large", "{kind}");
    }
    let key = studio.server.key(&["project"]).await;
    let ask = format!("/api/v1/projects/{}/upload", studio.project);
    let place = studio.server.post(&ask, &key, json!({ "name": "a.png" })).await.ok().json();
    let url = text(&place["uploadUrl"]);
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 30000000\r\n\r\n",
        url.strip_prefix(&studio.server.url).unwrap()
    );
    assert_eq!(first_line(&studio.server, &head).await, "HTTP/1.1 413 Payload Too Large");
}
