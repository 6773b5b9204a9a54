//! A node process that is suspended beyond its lease and resumed.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::node_key;
use crate::api::Api;
use crate::raw_http;

const ROUNDS: usize = 3;
const CLIENTS: usize = 8;

/// The axum example as a process.
struct Service {
    process: Child,
    url: String,
}

impl Service {
    async fn start(server: &str, credential: &str) -> Self {
        let mut process = Command::new(example())
            .args(["--server", server, "--listen", "127.0.0.1:0", "--offline-policy", "deny"])
            .env("KEYRACK_KEY", credential)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self { process, url }
    }

    async fn signal(&self, name: &str) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &id]).status().await.unwrap().success());
    }
}

/// Cargo builds the example next to the tests of the workspace.
fn example() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let path = deps.parent().unwrap().parent().unwrap().join("examples/axum_service");
    assert!(path.exists(), "run: cargo build -p keyrack-guard --features remote --examples");
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_to_suspended_node_is_denied_after_deletion() {
    let api = Api::start().await;
    let service = Service::start(&api.server.url, &node_key(&api).await.secret).await;
    for round in 0..ROUNDS {
        let key = api.create_key_with(&["inference"]).await;
        let host = service.url.trim_start_matches("http://");
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nx-api-key: {}\r\n\r\n", key.secret);
        let mut lines = Vec::new();
        for _ in 0..CLIENTS {
            let mut line = raw_http::connect(&service.url).await;
            line.write_all(request.as_bytes()).await.unwrap();
            assert_eq!(raw_http::read_answer(&mut line).await.unwrap().status, 200, "round {round}");
            lines.push(line);
        }
        service.signal("-STOP").await;
        // The deletion is confirmed because the lease has expired, regardless of the process.
        let propagation = api.delete(&key.path()).await.ok().json()["propagation"].take();
        assert_eq!(propagation["unconfirmed"], serde_json::json!([]), "round {round}");
        for line in &mut lines {
            line.write_all(request.as_bytes()).await.unwrap();
        }
        service.signal("-CONT").await;
        for line in &mut lines {
            let answer = raw_http::read_answer(line).await.unwrap();
            assert!(matches!(answer.status.as_u16(), 401 | 503), "round {round}: {answer:?}");
        }
        // The node reconnects.
        let next = api.create_key_with(&["inference"]).await;
        crate::harness::wait_until("the node is synced again", async || {
            let mut line = raw_http::connect(&service.url).await;
            let request = request.replace(&key.secret, &next.secret);
            line.write_all(request.as_bytes()).await.unwrap();
            (raw_http::read_answer(&mut line).await?.status == 200).then_some(())
        })
        .await;
    }
}
