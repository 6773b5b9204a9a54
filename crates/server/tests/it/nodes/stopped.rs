//! A process that is stopped for longer than it may decide, and goes on.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::node_key;
use crate::desk::Desk;
use crate::raw;

const ROUNDS: usize = 3;
const CLIENTS: usize = 8;

/// The axum example, as anybody would run it.
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

/// Cargo builds it beside the tests of the whole workspace.
fn example() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let path = deps.parent().unwrap().parent().unwrap().join("examples/axum_service");
    assert!(path.exists(), "run: cargo build -p keyrack-guard --features remote --examples");
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_to_a_stopped_process_is_never_accepted_after_the_deletion() {
    let desk = Desk::open().await;
    let service = Service::start(&desk.server.url, &node_key(&desk).await.secret).await;
    for round in 0..ROUNDS {
        let key = desk.key(&["inference"]).await;
        let host = service.url.trim_start_matches("http://");
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nx-api-key: {}\r\n\r\n", key.secret);
        let mut lines = Vec::new();
        for _ in 0..CLIENTS {
            let mut line = raw::connect(&service.url).await;
            line.write_all(request.as_bytes()).await.unwrap();
            assert_eq!(raw::read_answer(&mut line).await.unwrap().status, 200, "round {round}");
            lines.push(line);
        }
        service.signal("-STOP").await;
        // Confirmed because its time is over, whether it knows or not.
        let propagation = desk.delete(&key.path()).await.ok().json()["propagation"].take();
        assert_eq!(propagation["unconfirmed"], serde_json::json!([]), "round {round}");
        for line in &mut lines {
            line.write_all(request.as_bytes()).await.unwrap();
        }
        service.signal("-CONT").await;
        for line in &mut lines {
            let answer = raw::read_answer(line).await.unwrap();
            assert!(matches!(answer.status.as_u16(), 401 | 503), "round {round}: {answer:?}");
        }
        // It finds its way back by itself.
        let next = desk.key(&["inference"]).await;
        crate::harness::until("it follows again", async || {
            let mut line = raw::connect(&service.url).await;
            let request = request.replace(&key.secret, &next.secret);
            line.write_all(request.as_bytes()).await.unwrap();
            (raw::read_answer(&mut line).await?.status == 200).then_some(())
        })
        .await;
    }
}
