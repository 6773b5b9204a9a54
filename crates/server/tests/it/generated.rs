//! Clients that public generators make of the OpenAPI description, compiled and run against a real server. What each of them
//! does is in `tests/generated`.

use std::fs;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use tempfile::TempDir;

use crate::harness::send;
use crate::predict::paint::painted;
use crate::predict::studio::Studio;

/// Where `./test` puts the generators.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/generated");
const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generated/run");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_openapi_python_client_works() {
    works(&["openapi-python-client"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_of_slower_generators_work() {
    if std::env::var_os("KEYRACK_LONG").is_some() {
        works(&["openapi-typescript", "oapi-codegen", "openapi-generator-python", "openapi-generator-go"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_the_description_find_nothing_wrong() {
    if std::env::var_os("KEYRACK_LONG").is_some() {
        works(&["spectral"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_gets_only_answers_that_the_description_lists() {
    if std::env::var_os("KEYRACK_LONG").is_some() {
        works(&["schemathesis"]).await;
    }
}

async fn works(generators: &[&str]) {
    assert!(Path::new(TOOLS).exists(), "run ./test, which installs the generators");
    let studio = Studio::open().await;
    let server = &studio.server;
    let document = send(server.request(Method::GET, "/openapi.json")).await;
    let project = server.key(&["project"]).await;
    let keys = server.key(&["project", "keys", "inference", "node"]).await;
    for generator in generators {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("openapi.json"), &document.text).unwrap();
        let image = folder.path().join("image.jpg");
        fs::write(&image, painted(0, 9)).unwrap();
        let mut command = Command::new(RUN);
        command.arg(generator).arg(folder.path()).arg(&server.url).args([&project, &keys, &studio.key]);
        command.arg(&studio.classifier).arg(image);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let output = [ran.stdout, ran.stderr].concat();
        let output = String::from_utf8_lossy(&output);
        let held = ran.status.success() && output.contains("everything held");
        assert!(held, "{generator}: {output}\n{}", server.output());
    }
}
