//! `keyrack setup`: once, with or without a server, and the password nowhere to be seen.

use reqwest::Method;
use tempfile::TempDir;

use crate::harness::{EMAIL, PASSWORD, SLUG, Server, keyrack, send, setup};

#[tokio::test]
async fn a_folder_is_set_up_once() {
    let root = TempDir::new().unwrap();
    let data = root.path().join("new");
    let ran = setup(&data).run().await.succeeded();
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains(EMAIL) && ran.stderr.contains(SLUG) && ran.stderr.contains("keyrack serve"));
    assert!(!ran.stderr.contains(PASSWORD));
    setup(&data).run().await.failed(1, "set up already");
}

#[tokio::test]
async fn a_running_server_is_set_up_and_its_link_ends() {
    let server = Server::start().await;
    let link = server.setup_link.clone().unwrap();
    let path = link.strip_prefix(&server.url).unwrap();
    let open = async || send(server.request(Method::GET, path)).await.text;
    assert!(open().await.contains("<form"));
    setup(&server.data()).run().await.succeeded();
    assert!(!open().await.contains("name=\"password\""));
    setup(&server.data()).run().await.failed(1, "set up already");
    assert!(!server.output().contains(PASSWORD));
}

#[tokio::test]
async fn nobody_is_set_up_over_the_network() {
    let server = Server::start().await;
    for path in ["/control/setup", "/api/v1/control/setup"] {
        let founding =
            serde_json::json!({ "name": "M", "email": EMAIL, "password": PASSWORD, "workspace": "M" });
        let answer = send(server.request(Method::POST, path).json(&founding)).await;
        assert!(answer.status.is_client_error(), "{path}: {answer:?}");
    }
    setup(&server.data()).run().await.succeeded();
}

#[tokio::test]
async fn a_wrong_owner_is_refused_field_by_field() {
    let root = TempDir::new().unwrap();
    let data = root.path().to_str().unwrap();
    let args = ["setup", "--data", data, "--email", "nobody", "--workspace", " ", "--password-stdin"];
    let ran = keyrack(args).stdin("hunter2\n").run().await.failed(1, "email: expected an address");
    assert!(
        ran.stderr.contains("  password: at least 12 characters") && ran.stderr.contains("  workspace: ")
    );
    assert!(!ran.stderr.contains("hunter2"));
    setup(root.path()).run().await.succeeded();
}

#[tokio::test]
async fn a_password_ends_where_its_line_ends() {
    let root = TempDir::new().unwrap();
    let data = root.path().to_str().unwrap();
    let args = ["setup", "--data", data, "--email", EMAIL, "--workspace", "W", "--password-stdin"];
    // Eleven characters on the first line: too few, whatever follows.
    keyrack(args).stdin("12345678901\r\nand more of it\n").run().await.failed(1, "at least 12 characters");
    keyrack(args).stdin("").run().await.failed(1, "at least 12 characters");
    keyrack(args).stdin("  spaces   ").run().await.failed(1, "at least 12 characters");
    // Spaces count: they are part of it.
    keyrack(args).stdin("  spaces    \n").run().await.succeeded();
}
