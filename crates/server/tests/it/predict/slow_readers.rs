//! Clients that don't read their response, or announce a too large body.

use std::time::Duration;

use image::ImageFormat;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fixture::PredictionFixture;
use super::load::resident;
use super::samples::{encode, noise_image};
use crate::harness::{Server, send, text, wait_until};
use crate::raw_http::connect;

/// The longest time to wait for the end of a connection.
const LIMIT: Duration = Duration::from_secs(30);

/// The value of a metric, or zero.
async fn metric(server: &Server, line: &str) -> u64 {
    let metrics = server.ops("/metrics").await.text;
    let value = metrics.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

async fn held_bytes(server: &Server) -> u64 {
    metric(server, "keyrack_memory_bytes{purpose=\"prediction_responses\"}").await
}

/// Reads until the connection ends or fails.
async fn read_until_closed(mut stream: TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    let _ = timeout(LIMIT, stream.read_to_end(&mut read)).await.expect("the connection ends");
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_prediction_responses_are_dropped_and_freed() {
    const CLIENTS: usize = 3;
    let predictions = PredictionFixture::start().await;
    let picture = encode(&noise_image(1_200, 1_200), ImageFormat::Jpeg);
    let head = format!(
        "POST /api/v1/predict/detect/{} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: image/jpeg\r\n\
         content-length: {}\r\n\r\n",
        predictions.detector,
        predictions.key,
        picture.len()
    );
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = connect(&predictions.server.url).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&picture).await.unwrap();
        // The response begins to arrive, so the worker is free for the next request.
        stream.readable().await.unwrap();
        clients.push(stream);
    }
    // Each response is larger than the socket buffers.
    wait_until("the responses wait in memory", async || {
        (held_bytes(&predictions.server).await > 1_000_000).then_some(())
    })
    .await;
    let stalled = "keyrack_connections_stalled_total{listener=\"public\"}";
    wait_until("the connections are closed", async || {
        (metric(&predictions.server, stalled).await == CLIENTS as u64).then_some(())
    })
    .await;
    wait_until("all memory is free", async || (held_bytes(&predictions.server).await == 0).then_some(()))
        .await;
    for client in clients {
        let read = read_until_closed(client).await;
        assert!(read.len() < 1_000_000, "{} bytes of a dropped response", read.len());
    }
    // A client that reads gets the whole response.
    let request = predictions.request("detect", &predictions.detector).header("content-type", "image/jpeg");
    let answer = send(request.body(picture)).await.ok();
    assert!(answer.json()["image"].as_str().unwrap().len() > 1_000_000);
    assert_eq!(held_bytes(&predictions.server).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_image_downloads_use_little_memory() {
    const CLIENTS: usize = 20;
    let predictions = PredictionFixture::start().await;
    let key = predictions.server.create_secret(&["project"]).await;
    let picture = encode(&noise_image(1_800, 1_800), ImageFormat::Png);
    let size = picture.len();
    assert!(size > 9_000_000);
    let project = format!("/api/v1/projects/{}", predictions.project);
    let place = predictions.server.post(&format!("{project}/upload"), &key, json!({ "name": "a.png" })).await;
    let place = place.ok().json();
    let url = text(&place["uploadUrl"]);
    let path = url.strip_prefix(&predictions.server.url).unwrap();
    send(predictions.server.request(Method::PUT, path).body(picture)).await.ok();
    let record = json!({ "name": "a.png", "source": place["uri"] });
    let record =
        predictions.server.post(&format!("{project}/datasets/records"), &key, record).await.ok().json();
    let path = format!("{project}/datasets/records/{}/image", text(&record["id"]));
    assert_eq!(predictions.server.get(&path, &key).await.ok().header("content-length"), size.to_string());
    let before = resident(predictions.server.pid());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = connect(&predictions.server.url).await;
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        clients.push(stream);
    }
    let answered = "keyrack_http_requests_total{method=\"GET\",\
                    route=\"/api/v1/projects/{id}/datasets/records/{record}/image\",status=\"200\"}";
    wait_until("all are answered", async || {
        (metric(&predictions.server, answered).await == 1 + CLIENTS as u64).then_some(())
    })
    .await;
    for client in &clients {
        client.readable().await.unwrap();
    }
    let grown = resident(predictions.server.pid()).saturating_sub(before);
    assert!(grown < (CLIENTS * size / 4) as u64, "{grown} bytes more for {CLIENTS} images of {size}");
}

/// The first line of the response to a head without a body.
async fn first_line(server: &Server, head: &str) -> String {
    let mut stream = connect(&server.url).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.contains(&b'\n') {
        let count = timeout(LIMIT, stream.read_buf(&mut read)).await.expect("no response").unwrap();
        assert!(count > 0, "closed without a response");
    }
    String::from_utf8_lossy(&read).lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn announced_too_large_image_is_rejected_before_body() {
    let predictions = PredictionFixture::start().await;
    for kind in ["application/json", "image/jpeg", "multipart/form-data; boundary=x"] {
        let head = format!(
            "POST /api/v1/predict/classify/{} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: {kind}\r\n\
             expect: 100-continue\r\ncontent-length: 30000000\r\n\r\n",
            predictions.classifier, predictions.key
        );
        assert_eq!(first_line(&predictions.server, &head).await, "HTTP/1.1 413 Payload Too Large", "{kind}");
    }
    let key = predictions.server.create_secret(&["project"]).await;
    let ask = format!("/api/v1/projects/{}/upload", predictions.project);
    let place = predictions.server.post(&ask, &key, json!({ "name": "a.png" })).await.ok().json();
    let url = text(&place["uploadUrl"]);
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 30000000\r\n\r\n",
        url.strip_prefix(&predictions.server.url).unwrap()
    );
    assert_eq!(first_line(&predictions.server, &head).await, "HTTP/1.1 413 Payload Too Large");
}
