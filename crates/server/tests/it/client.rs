//! The public Python client, as it is published, against a running server.

use std::path::Path;
use std::process::Command;

use crate::harness::Server;

/// Where `./test` puts the client.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/client/bin/python");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client/everything.py");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_client_uploads_trains_and_predicts_as_its_key_may() {
    assert!(Path::new(PYTHON).exists(), "run ./test, which installs the client");
    let server = Server::set_up().await;
    let (project, inference) = (server.key(&["project"]).await, server.key(&["inference"]).await);
    let mut command = Command::new(PYTHON);
    command.arg(SCRIPT).arg(&server.url).args([project, inference]);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ran.status.success() && said.contains("everything held"), "{said}\n{}", server.output());
}
