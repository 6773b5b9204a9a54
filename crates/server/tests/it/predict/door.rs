//! Pictures by URL: what is fetched, what is not, and that nobody learns why.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::paint::{LABELS, painted};
use super::server_of_pictures::Pictures;
use super::studio::Studio;
use crate::harness::{Answer, send};

async fn ask(studio: &Studio, url: &str) -> Answer {
    studio.classify(json!({ "image": url })).await
}

/// All that a refused caller is told, but for the request's own id.
async fn refusal(studio: &Studio, url: &str) -> (Value, Duration) {
    let started = Instant::now();
    let answer = ask(studio, url).await;
    let took = started.elapsed();
    let mut says = answer.problem(422, "image_unreachable");
    says.as_object_mut().unwrap().remove("request_id");
    (says, took)
}

#[tokio::test]
async fn a_private_address_is_not_spoken_to_however_it_is_written() {
    let (studio, pictures) = (Studio::open().await, Pictures::open().await);
    let mut says = Vec::new();
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
        let (said, took) = refusal(&studio, &pictures.url(host, "/picture")).await;
        assert!(took >= Duration::from_secs(1), "{host}: {took:?} tells that nobody was asked");
        says.push(said);
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
        says.push(refusal(&studio, url).await.0);
    }
    assert!(says.iter().all(|one| *one == says[0]), "{says:?}");
    assert_eq!(pictures.asked(), 0);
}

#[tokio::test]
async fn a_named_host_is_fetched_from_and_leads_nowhere_else() {
    let studio = Studio::with(&["--allow-image-host", "LocalHost", "--log", "trace"]).await;
    let pictures = Pictures::open().await;
    for path in ["/picture", "/until-closed", "/1", "/picture?sig=verysecret#part"] {
        let answer = ask(&studio, &pictures.url("localhost", path)).await;
        assert_eq!(answer.ok().json()["category"], LABELS[1], "{path}");
    }
    let before = pictures.asked();
    refusal(&studio, &pictures.url("127.0.0.1", "/picture")).await;
    assert_eq!(pictures.asked(), before);
    // One connection to the named host each, and none to where it leads.
    for path in ["/to-private", "/to-mapped", "/to-name", "/to-user", "/to-file", "/nowhere"] {
        let before = pictures.asked();
        refusal(&studio, &pictures.url("localhost", path)).await;
        assert_eq!(pictures.asked(), before + 1, "{path}");
    }
    refusal(&studio, &pictures.url("localhost", "/verysecret?token=verysecret")).await;
    assert!(!studio.server.output().contains("verysecret"));
}

#[tokio::test]
async fn a_hostile_server_gets_neither_time_nor_memory() {
    let studio = Studio::with(&["--allow-image-host", "localhost"]).await;
    let pictures = Pictures::open().await;
    let mut says = Vec::new();
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
        let (said, took) = refusal(&studio, &pictures.url("localhost", path)).await;
        let told = Duration::from_secs(1)..Duration::from_secs(7);
        assert!(told.contains(&took), "{path}: {took:?}");
        says.push(said);
    }
    assert!(says.iter().all(|one| *one == says[0]), "{says:?}");
    // Four for three redirects, and no fifth.
    let before = pictures.asked();
    refusal(&studio, &pictures.url("localhost", "/round")).await;
    assert_eq!(pictures.asked(), before + 4);
    let memory = super::crowd::resident(studio.server.pid());
    assert!(memory < 400_000_000, "{memory}");
}

/// A server that has gone through the door before it says so would tell that there was something behind it.
#[tokio::test]
async fn a_model_without_its_file_fetches_nothing() {
    let studio = Studio::with(&["--allow-image-host", "localhost"]).await;
    let pictures = Pictures::open().await;
    let body = json!({ "image": pictures.url("localhost", "/page") });
    send(studio.request("classify", &studio.lost).json(&body)).await.refused(404, "not_found");
    assert_eq!(pictures.asked(), 0);
}

#[tokio::test]
async fn a_publishable_key_sends_the_picture_itself_unless_the_operator_says_otherwise() {
    let pictures = Pictures::open().await;
    let body = json!({ "image": pictures.url("localhost", "/picture") });
    for (args, opened) in [
        (&["--allow-image-host", "localhost"][..], false),
        (&["--allow-image-host", "localhost", "--public-image-urls"], true),
    ] {
        let studio = Studio::with(args).await;
        let made = studio.server.make_key(&["inference"], &["--class", "publishable"]).await;
        let key = made["secret"].as_str().unwrap();
        let path = format!("/api/v1/predict/classify/{}", studio.classifier);
        let answer =
            send(studio.server.request(reqwest::Method::POST, &path).bearer_auth(key).json(&body)).await;
        if opened {
            assert_eq!(answer.ok().json()["category"], LABELS[1]);
        } else {
            answer.refused(403, "image_urls_closed");
        }
        let picture = json!({ "image": BASE64_STANDARD.encode(painted(0, 1)) });
        send(studio.server.request(reqwest::Method::POST, &path).bearer_auth(key).json(&picture)).await.ok();
    }
    assert_eq!(pictures.asked(), 1);
}
