//! Images by URL: which are fetched, and that failures don't reveal their cause.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::fixture::PredictionFixture;
use super::image_host::ImageHost;
use super::samples::{LABELS, pattern_image};
use crate::harness::{Answer, send};

async fn classify_url(predictions: &PredictionFixture, url: &str) -> Answer {
    predictions.classify(json!({ "image": url })).await
}

/// The problem without its request ID, and the duration of the request.
async fn error_and_duration(predictions: &PredictionFixture, url: &str) -> (Value, Duration) {
    let started = Instant::now();
    let answer = classify_url(predictions, url).await;
    let took = started.elapsed();
    let mut expected = answer.problem(422, "image_unreachable");
    expected.as_object_mut().unwrap().remove("request_id");
    (expected, took)
}

#[tokio::test]
async fn image_url_with_private_address_is_not_fetched() {
    let (predictions, image_host) = (PredictionFixture::start().await, ImageHost::start().await);
    let mut body = Vec::new();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "127.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "ip6-localhost",
        "127.0.0.1.",
        "①②⑦.0.0.1",
    ] {
        let (problem, took) = error_and_duration(&predictions, &image_host.url(host, "/picture")).await;
        assert!(took >= Duration::from_secs(1), "{host}: {took:?} reveals that no request was sent");
        body.push(problem);
    }
    for url in [
        "http://user@8.8.8.8/x",
        "http://user:pw@example.org/x",
        "http://8.8.8.8:25/x",
        "http://8.8.8.8:22/x",
        "http://",
        "http:///x",
        "http://no-such-name.invalid/x",
        "https://127.0.0.1:1/x",
        "http://8.8.8.8:99999/",
        &format!("http://example.org/{}", "x".repeat(3000)),
    ] {
        body.push(error_and_duration(&predictions, url).await.0);
    }
    assert!(body.iter().all(|one| *one == body[0]), "{body:?}");
    assert_eq!(image_host.connection_count(), 0);
}

#[tokio::test]
async fn image_url_of_allowed_host_follows_no_foreign_redirect() {
    let predictions =
        PredictionFixture::start_with(&["--allow-image-host", "LocalHost", "--log", "trace"]).await;
    let image_host = ImageHost::start().await;
    for path in ["/picture", "/until-closed", "/1", "/picture?sig=verysecret#part"] {
        let answer = classify_url(&predictions, &image_host.url("localhost", path)).await;
        assert_eq!(answer.ok().json()["category"], LABELS[1], "{path}");
    }
    let before = image_host.connection_count();
    error_and_duration(&predictions, &image_host.url("127.0.0.1", "/picture")).await;
    assert_eq!(image_host.connection_count(), before);
    // Each request makes one connection to the allowed host and none to the redirect's target.
    for path in ["/to-private", "/to-mapped", "/to-name", "/to-user", "/to-file", "/nowhere"] {
        let before = image_host.connection_count();
        error_and_duration(&predictions, &image_host.url("localhost", path)).await;
        assert_eq!(image_host.connection_count(), before + 1, "{path}");
    }
    error_and_duration(&predictions, &image_host.url("localhost", "/verysecret?token=verysecret")).await;
    assert!(!predictions.server.output().contains("verysecret"));
}

#[tokio::test]
async fn image_url_of_hostile_server_is_bounded() {
    let predictions = PredictionFixture::start_with(&["--allow-image-host", "localhost"]).await;
    let image_host = ImageHost::start().await;
    let mut body = Vec::new();
    for path in [
        "/0",
        "/round",
        "/missing",
        "/part",
        "/cut-off",
        "/page",
        "/empty",
        "/gzip",
        "/announces-much",
        "/no-http",
        "/endless",
        "/slow",
        "/silent",
    ] {
        let (problem, took) = error_and_duration(&predictions, &image_host.url("localhost", path)).await;
        let expected = Duration::from_secs(1)..Duration::from_secs(7);
        assert!(expected.contains(&took), "{path}: {took:?}");
        body.push(problem);
    }
    assert!(body.iter().all(|one| *one == body[0]), "{body:?}");
    // Three redirects make four connections, and no fifth.
    let before = image_host.connection_count();
    error_and_duration(&predictions, &image_host.url("localhost", "/round")).await;
    assert_eq!(image_host.connection_count(), before + 4);
    let memory = super::load::resident(predictions.server.pid());
    assert!(memory < 400_000_000, "{memory}");
}

/// An earlier fetch would reveal whether the URL exists.
#[tokio::test]
async fn image_url_for_missing_model_is_not_fetched() {
    let predictions = PredictionFixture::start_with(&["--allow-image-host", "localhost"]).await;
    let image_host = ImageHost::start().await;
    let body = json!({ "image": image_host.url("localhost", "/page") });
    send(predictions.request("classify", &predictions.lost).json(&body))
        .await
        .assert_problem(404, "not_found");
    assert_eq!(image_host.connection_count(), 0);
}

#[tokio::test]
async fn image_url_of_publishable_key_is_denied_by_default() {
    let image_host = ImageHost::start().await;
    let body = json!({ "image": image_host.url("localhost", "/picture") });
    for (args, opened) in [
        (&["--allow-image-host", "localhost"][..], false),
        (&["--allow-image-host", "localhost", "--public-image-urls"], true),
    ] {
        let predictions = PredictionFixture::start_with(args).await;
        let created = predictions.server.create_key(&["inference"], &["--class", "publishable"]).await;
        let key = created["secret"].as_str().unwrap();
        let path = format!("/api/v1/predict/classify/{}", predictions.classifier);
        let answer =
            send(predictions.server.request(reqwest::Method::POST, &path).bearer_auth(key).json(&body)).await;
        if opened {
            assert_eq!(answer.ok().json()["category"], LABELS[1]);
        } else {
            answer.assert_problem(403, "image_urls_closed");
        }
        let picture = json!({ "image": BASE64_STANDARD.encode(pattern_image(0, 1)) });
        send(predictions.server.request(reqwest::Method::POST, &path).bearer_auth(key).json(&picture))
            .await
            .ok();
    }
    assert_eq!(image_host.connection_count(), 1);
}
