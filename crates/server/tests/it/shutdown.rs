//! A stop finishes open requests and loses nothing; and a data folder has at most one server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::api::{Api, CreatedKey};
use crate::harness::{Server, keyrack, wait_until};
use crate::ledger::{Ledger, check_data_folder};
use crate::raw_http;

#[tokio::test]
async fn request_in_flight_is_answered_during_stop() {
    let mut api = Api::start().await;
    let body = json!({ "name": "in flight", "scopes": ["project"] }).to_string();
    let (early, late) = body.split_at(10);
    let mut stream = raw_http::connect(&api.server.url).await;
    let head = format!(
        "POST /api/v1/keys HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{early}",
        api.manager_key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server has accepted the connection once it has answered a later one.
    api.get("/api/v1/projects").await.ok();
    api.server.send_sigterm();
    let message = "stopping: no new connections";
    wait_until("the server is stopping", async || api.server.output().contains(message).then_some(())).await;
    stream.write_all(late.as_bytes()).await.unwrap();
    let answer = raw_http::read_answer(&mut stream).await.expect("no response").ok();
    assert_eq!(api.server.stop().await.code(), Some(0));
    api.server.restart().await;
    api.projects(&CreatedKey::of(answer.json()).secret).await.ok();
}

#[tokio::test]
async fn last_used_before_stop_is_stored() {
    let mut api = Api::start().await;
    let mut keys = Vec::new();
    for _ in 0..30 {
        keys.push(api.create_key_with(&["project"]).await);
    }
    let before = jiff::Timestamp::now();
    for key in &keys {
        api.projects(&key.secret).await.ok();
    }
    assert_eq!(api.server.stop().await.code(), Some(0));
    api.server.restart().await;
    for key in &keys {
        let used = api.read(key).await["lastUsed"].clone();
        let at = used["at"].as_str().map(|at| at.parse::<jiff::Timestamp>().unwrap());
        assert!(at.is_some_and(|at| at >= before), "{used}");
    }
}

#[tokio::test]
async fn acknowledged_changes_survive_stop_under_load() {
    let mut server = Server::set_up().await;
    let manager_key = server.create_secret(&["project", "keys"]).await;
    let ledger = Ledger::default();
    for _ in 0..5 {
        let enough = ledger.acknowledged() + 20;
        let mut streams = ledger.stream(&server, &manager_key, 4);
        wait_until("enough changes are acknowledged", async || {
            (ledger.acknowledged() >= enough).then_some(())
        })
        .await;
        assert_eq!(server.stop().await.code(), Some(0));
        while let Some(ended) = streams.join_next().await {
            ended.unwrap();
        }
        check_data_folder(&server).await;
        server.restart().await;
        ledger.check_keys(&server, |_| true).await;
    }
}

#[tokio::test]
async fn idle_connections_do_not_delay_stop() {
    let mut api = Api::start().await;
    let mut idle = raw_http::connect(&api.server.url).await;
    idle.write_all(b"GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    raw_http::read_answer(&mut idle).await.expect("no response");
    let silent = raw_http::connect(&api.server.url).await;
    api.get("/api/v1/projects").await.ok();
    let started = Instant::now();
    assert_eq!(api.server.stop().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop((idle, silent));
}

#[tokio::test]
async fn second_server_on_same_folder_fails() {
    let api = Api::start().await;
    let data = api.server.data();
    for args in [&["serve"][..], &[]] {
        let second =
            keyrack(args).args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]).arg("--data");
        let expected = format!("Another keyrack process is using {}", data.display());
        second.arg(&data).run().await.assert_failed(1, &expected);
    }
    api.projects(&api.manager_key).await.ok();
    // The socket still belongs to the first server.
    let listed: Value = api.server.key_command(&["list", "--json"]).run().await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
}
