//! Clients that public generators create from the OpenAPI document, compiled and run against a real server. The folder
//! `tests/generated` contains what each of them does.

use std::fs;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use tempfile::TempDir;

use crate::harness::send;
use crate::predict::fixture::PredictionFixture;
use crate::predict::samples::pattern_image;

/// The path where `./test` installs the generators.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/generated");
const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generated/run");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_openapi_python_client_works() {
    works(&["openapi-python-client"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_clients_of_slow_generators_work() {
    if std::env::var_os("KEYRACK_LONG").is_some() {
        works(&["openapi-typescript", "oapi-codegen", "openapi-generator-python", "openapi-generator-go"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spectral_finds_no_problem_in_openapi_document() {
    if std::env::var_os("KEYRACK_LONG").is_some() {
        works(&["spectral"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_gets_only_documented_responses() {
    if std::env::var_os("KEYRACK_LONG").is_some() {
        works(&["schemathesis"]).await;
    }
}

async fn works(generators: &[&str]) {
    assert!(Path::new(TOOLS).exists(), "run ./test, which installs the generators");
    let predictions = PredictionFixture::start().await;
    let server = &predictions.server;
    let document = send(server.request(Method::GET, "/openapi.json")).await;
    let project = server.create_secret(&["project"]).await;
    let keys = server.create_secret(&["project", "keys", "inference", "node"]).await;
    for generator in generators {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("openapi.json"), &document.text).unwrap();
        let image = folder.path().join("image.jpg");
        fs::write(&image, pattern_image(0, 9)).unwrap();
        let mut command = Command::new(RUN);
        command.arg(generator).arg(folder.path()).arg(&server.url).args([&project, &keys, &predictions.key]);
        command.arg(&predictions.classifier).arg(image);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let output = [ran.stdout, ran.stderr].concat();
        let output = String::from_utf8_lossy(&output);
        let held = ran.status.success() && output.contains("all checks passed");
        assert!(held, "{generator}: {output}\n{}", server.output());
    }
}
