//! The public Epigos client for Python, unmodified, against a running server.

use std::path::Path;
use std::process::Command;

use crate::harness::Server;

/// The path where `./test` installs the client.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/client/bin/python");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client/everything.py");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epigos_client_uploads_trains_and_predicts() {
    assert!(Path::new(PYTHON).exists(), "run ./test, which installs the client");
    let server = Server::set_up().await;
    let (project, inference) =
        (server.create_secret(&["project"]).await, server.create_secret(&["inference"]).await);
    let mut command = Command::new(PYTHON);
    command.arg(SCRIPT).arg(&server.url).args([project, inference]);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let output = [ran.stdout, ran.stderr].concat();
    let output = String::from_utf8_lossy(&output);
    assert!(ran.status.success() && output.contains("all checks passed"), "{output}\n{}", server.output());
}
