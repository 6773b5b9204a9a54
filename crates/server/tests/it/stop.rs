//! A stop cuts nobody off and loses nothing; and a folder has one server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::desk::{Desk, Made};
use crate::harness::{Server, keyrack, until};
use crate::ledger::{Ledger, folder_is_whole};
use crate::raw;

#[tokio::test]
async fn a_request_in_flight_is_answered_and_what_it_made_stays() {
    let mut desk = Desk::open().await;
    let body = json!({ "name": "in flight", "scopes": ["project"] }).to_string();
    let (early, late) = body.split_at(10);
    let mut stream = raw::connect(&desk.server.url).await;
    let head = format!(
        "POST /api/v1/keys HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{early}",
        desk.master,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The connection is in the server's hands once another one, opened later, has been answered.
    desk.get("/api/v1/projects").await.ok();
    desk.server.ask_to_stop();
    let said = "stopping: no new connections";
    until("the server knows", async || desk.server.output().contains(said).then_some(())).await;
    stream.write_all(late.as_bytes()).await.unwrap();
    let answer = raw::read_answer(&mut stream).await.expect("an answer").ok();
    assert_eq!(desk.server.stop().await.code(), Some(0));
    desk.server.restart().await;
    desk.projects(&Made::of(answer.json()).secret).await.ok();
}

#[tokio::test]
async fn uses_of_the_last_moment_are_written_down() {
    let mut desk = Desk::open().await;
    let mut keys = Vec::new();
    for _ in 0..30 {
        keys.push(desk.key(&["project"]).await);
    }
    let before = jiff::Timestamp::now();
    for key in &keys {
        desk.projects(&key.secret).await.ok();
    }
    assert_eq!(desk.server.stop().await.code(), Some(0));
    desk.server.restart().await;
    for key in &keys {
        let used = desk.read(key).await["lastUsed"].clone();
        let at = used["at"].as_str().map(|at| at.parse::<jiff::Timestamp>().unwrap());
        assert!(at.is_some_and(|at| at >= before), "{used}");
    }
}

#[tokio::test]
async fn a_stop_in_a_stream_of_changes_loses_nothing_that_was_acknowledged() {
    let mut server = Server::set_up().await;
    let master = server.key(&["project", "keys"]).await;
    let ledger = Ledger::default();
    for _ in 0..5 {
        let enough = ledger.acknowledged() + 20;
        let mut streams = ledger.stream(&server, &master, 4);
        until("the stream flows", async || (ledger.acknowledged() >= enough).then_some(())).await;
        assert_eq!(server.stop().await.code(), Some(0));
        while let Some(ended) = streams.join_next().await {
            ended.unwrap();
        }
        folder_is_whole(&server).await;
        server.restart().await;
        ledger.hold(&server, |_| true).await;
    }
}

#[tokio::test]
async fn connections_that_nobody_uses_do_not_hold_up_a_stop() {
    let mut desk = Desk::open().await;
    let mut idle = raw::connect(&desk.server.url).await;
    idle.write_all(b"GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    raw::read_answer(&mut idle).await.expect("an answer");
    let silent = raw::connect(&desk.server.url).await;
    desk.get("/api/v1/projects").await.ok();
    let started = Instant::now();
    assert_eq!(desk.server.stop().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop((idle, silent));
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused_and_the_first_goes_on() {
    let desk = Desk::open().await;
    let data = desk.server.data();
    for args in [&["serve"][..], &[]] {
        let second =
            keyrack(args).args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]).arg("--data");
        let says = format!("another keyrack is running on {}", data.display());
        second.arg(&data).run().await.failed(1, &says);
    }
    desk.projects(&desk.master).await.ok();
    // Its socket is still the first one's.
    let listed: Value = desk.server.keys(&["list", "--json"]).run().await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
}
