//! `keyrack setup`, with and without a running server.

use reqwest::Method;
use tempfile::TempDir;

use crate::harness::{EMAIL, PASSWORD, SLUG, Server, keyrack, send, setup};

#[tokio::test]
async fn setup_of_a_folder_succeeds_only_once() {
    let root = TempDir::new().unwrap();
    let data = root.path().join("new");
    let ran = setup(&data).run().await.assert_succeeded();
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains(EMAIL) && ran.stderr.contains(SLUG) && ran.stderr.contains("keyrack serve"));
    assert!(!ran.stderr.contains(PASSWORD));
    setup(&data).run().await.assert_failed(1, "already set up");
}

#[tokio::test]
async fn setup_of_a_running_server_invalidates_its_setup_link() {
    let server = Server::start().await;
    let link = server.setup_link.clone().unwrap();
    let path = link.strip_prefix(&server.url).unwrap();
    let open = async || send(server.request(Method::GET, path)).await.text;
    assert!(open().await.contains("<form"));
    let before = send(server.request(Method::GET, "/sign-in").header("accept", "text/html")).await.text;
    assert!(before.contains("Setup isn&#39;t finished") && !before.contains("button-primary"), "{before}");
    setup(&server.data()).run().await.assert_succeeded();
    assert!(!open().await.contains("name=\"password\""));
    setup(&server.data()).run().await.assert_failed(1, "already set up");
    assert!(!server.output().contains(PASSWORD));
}

#[tokio::test]
async fn setup_over_the_network_is_denied() {
    let server = Server::start().await;
    for path in ["/control/setup", "/api/v1/control/setup"] {
        let founding =
            serde_json::json!({ "name": "M", "email": EMAIL, "password": PASSWORD, "workspace": "M" });
        let answer = send(server.request(Method::POST, path).json(&founding)).await;
        assert!(answer.status.is_client_error(), "{path}: {answer:?}");
    }
    setup(&server.data()).run().await.assert_succeeded();
}

#[tokio::test]
async fn setup_with_an_invalid_owner_names_each_field() {
    let root = TempDir::new().unwrap();
    let data = root.path().to_str().unwrap();
    let args = ["setup", "--data", data, "--email", "nobody", "--workspace", " ", "--password-stdin"];
    let ran =
        keyrack(args).stdin("hunter2\n").run().await.assert_failed(1, "email: Enter a valid email address");
    assert!(
        ran.stderr.contains("  password: Use at least 12 characters.")
            && ran.stderr.contains("  workspace: ")
    );
    assert!(!ran.stderr.contains("hunter2"));
    setup(root.path()).run().await.assert_succeeded();
}

#[tokio::test]
async fn setup_password_ends_with_its_line() {
    let root = TempDir::new().unwrap();
    let data = root.path().to_str().unwrap();
    let args = ["setup", "--data", data, "--email", EMAIL, "--workspace", "W", "--password-stdin"];
    // The first line has eleven characters, which is too short. Further lines do not count.
    keyrack(args)
        .stdin("12345678901\r\nand more of it\n")
        .run()
        .await
        .assert_failed(1, "Use at least 12 characters.");
    keyrack(args).stdin("").run().await.assert_failed(1, "Use at least 12 characters.");
    keyrack(args).stdin("  spaces   ").run().await.assert_failed(1, "Use at least 12 characters.");
    // Spaces are part of the password.
    keyrack(args).stdin("  spaces    \n").run().await.assert_succeeded();
}
