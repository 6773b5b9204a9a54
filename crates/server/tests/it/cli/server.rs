//! `keyrack key` with a running server, through its data folder and over the network.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{KeyrackCommand, SLUG, Server, keyrack, text};

const KEYS: &str = "/api/v1/keys";
const PROJECTS: &str = "/api/v1/projects";

fn over_network(server: &Server, key: &str, args: &[&str]) -> KeyrackCommand {
    keyrack(["key"]).args(args).args(["--server", &server.url]).env("KEYRACK_KEY", key)
}

#[tokio::test]
async fn command_on_the_folder_takes_effect_on_the_running_server() {
    let server = Server::set_up().await;
    let created = server.create_key(&["project"], &["--expires", "never"]).await;
    let (id, secret) = (&text(&created["id"]), &text(&created["secret"]));
    assert_eq!(server.get(PROJECTS, secret).await.status, StatusCode::OK);
    assert_eq!(
        server.post(PROJECTS, secret, json!({ "name": "p", "projectType": "classification" })).await.status,
        201
    );
    server.key_command(&["edit", id, "--scope", "inference"]).run().await.assert_succeeded();
    assert_eq!(server.get(PROJECTS, secret).await.json()["code"], "insufficient_scope");
    server.key_command(&["edit", id, "--scope", "project"]).run().await.assert_succeeded();
    let rotated = server.key_command(&["rotate", id, "--grace-period", "0s"]).run().await.assert_succeeded();
    assert_eq!(server.get(PROJECTS, secret).await.status, StatusCode::UNAUTHORIZED);
    let secret = rotated.stdout.trim_end();
    assert_eq!(server.get(PROJECTS, secret).await.status, StatusCode::OK);
    server.key_command(&["delete", id]).run().await.assert_succeeded();
    let denied = server.get(PROJECTS, secret).await;
    assert_eq!(
        (denied.status, denied.header("www-authenticate").is_empty()),
        (StatusCode::UNAUTHORIZED, false)
    );
    assert!(!server.output().contains(secret));
}

#[tokio::test]
async fn key_is_not_sent_over_plain_http_to_another_machine() {
    let list = |url: &str| keyrack(["key", "list", "--server", url]).env("KEYRACK_KEY", "kr_sk_of_a_test");
    let denied = list("http://192.0.2.1:8080").run().await;
    let denied = denied.assert_failed(2, "--allow-plain-http");
    assert!(!denied.stderr.contains("kr_sk_"), "{denied:?}");
}

#[tokio::test]
async fn key_is_not_sent_over_plain_http_to_a_proxy_of_the_environment() {
    let server = Server::set_up().await;
    let key = server.create_secret(&["keys"]).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut list = over_network(&server, &key, &["list"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        list = list.env(name, &url);
    }
    tokio::select! {
        listed = list.run() => drop(listed.assert_succeeded()),
        _ = proxy.accept() => panic!("the command connected to the proxy"),
    }
    for name in ["http_proxy", "ALL_PROXY"] {
        server.key_command(&["list"]).env(name, &url).run().await.assert_succeeded();
    }
}

#[tokio::test]
async fn keys_created_with_and_without_a_server_survive_restarts() {
    let mut server = Server::set_up().await;
    let before = server.create_secret(&["project"]).await;
    server.kill();
    let between = server.create_secret(&["project"]).await;
    server.restart().await;
    assert_eq!(server.setup_link, None);
    let after = server.create_secret(&["project"]).await;
    assert!(server.stop().await.success());
    server.restart().await;
    for secret in [&before, &between, &after] {
        assert_eq!(server.get(PROJECTS, secret).await.status, StatusCode::OK);
    }
    assert_eq!(server.ops("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn key_with_the_keys_scope_manages_keys_over_the_network() {
    let server = Server::set_up().await;
    let manager = &server.create_secret(&["keys", "inference"]).await;
    let run = async |args: &[&str]| over_network(&server, manager, args).arg("--json").run().await.json();
    let created = run(&["create", "--name", "far", "--scope", "inference"]).await;
    let id = &text(&created["id"]);
    assert_eq!(created["createdBy"]["kind"], "key");
    assert_eq!(run(&["edit", id, "--name", "farther"]).await["name"], "farther");
    assert_eq!(run(&["show", id]).await, server.get(&format!("{KEYS}/{id}"), manager).await.json());
    assert_eq!(run(&["list"]).await["items"].as_array().unwrap().len(), 2);
    assert_ne!(run(&["rotate", id, "--grace-period", "1h"]).await["secret"], created["secret"]);
    assert_eq!(run(&["delete", id]).await["propagation"]["confirmed"], 1);
    assert_eq!(run(&["show", id]).await["status"], "deleted");
}

#[tokio::test]
async fn rate_limit_over_the_network_keeps_other_restrictions() {
    let server = Server::set_up().await;
    let manager = &server.create_secret(&["keys", "inference"]).await;
    let networks = json!({ "networks": ["127.0.0.0/8"] });
    let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": networks });
    let id = text(&server.post(KEYS, manager, key).await.json()["id"]);
    let limit = async |rate: &str| {
        let args = ["edit", &id, "--rate-limit", rate, "--json"];
        over_network(&server, manager, &args).run().await.json()["restrictions"].clone()
    };
    let both = json!({ "networks": ["127.0.0.0/8"], "rate": { "requests": 5, "seconds": 60 } });
    assert_eq!(limit("5/1m").await, both);
    assert_eq!(limit("none").await, networks);
}

#[tokio::test]
async fn key_cannot_grant_more_than_it_has() {
    let server = Server::set_up().await;
    let manager = &server.create_secret(&["keys"]).await;
    let create = ["create", "--name", "more", "--scope", "project"];
    let ran = over_network(&server, manager, &create)
        .run()
        .await
        .assert_failed(1, "can't grant more access than it has");
    assert!(!ran.stderr.contains(manager));
    let other = server.create_key(&["project"], &[]).await;
    let rotate = ["rotate", &text(&other["id"]), "--grace-period", "0s"];
    over_network(&server, manager, &rotate)
        .run()
        .await
        .assert_failed(1, "can't grant more access than it has");
    let project = &text(&other["secret"]);
    let ran = over_network(&server, project, &["list"]).run().await.assert_failed(1, "keys");
    assert!(!ran.stderr.contains(project));
}

#[tokio::test]
async fn key_list_over_the_network_fetches_all_pages() {
    let server = Server::set_up().await;
    let manager = &server.create_secret(&["keys", "inference"]).await;
    let new = |number: usize| json!({ "name": format!("n{number}"), "scopes": ["inference"] });
    for number in 0..205 {
        assert_eq!(server.post(KEYS, manager, new(number)).await.status, StatusCode::CREATED);
    }
    let page = over_network(&server, manager, &["list", "--json"]).run().await.json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["nextCursor"]), (206, &Value::Null));
    let path = format!("{KEYS}/{}", text(&page["items"][0]["id"]));
    assert_eq!(server.patch(&path, manager, json!({ "name": "x" })).await.json()["name"], "x");
    assert_eq!(server.delete(&path, manager).await.status, StatusCode::OK);
}

#[tokio::test]
async fn unreachable_server_is_named() {
    let mut server = Server::set_up().await;
    let secret = &server.create_secret(&["keys"]).await;
    server.kill();
    let ran = over_network(&server, secret, &["list"])
        .run()
        .await
        .assert_failed(1, &format!("No response from {}", server.url));
    assert!(ran.stderr.contains("refused") && !ran.stderr.contains(secret));
    server.restart().await;
    let ran = over_network(&server, "kr_sk_nonsense", &["list"]).run().await.assert_failed(1, "keyrack: ");
    assert!(!ran.stderr.contains("nonsense"));
    let second = keyrack(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--data"]);
    second.arg(server.data()).run().await.assert_failed(1, "Another keyrack process is using");
    server.key_command(&["list"]).args(["--workspace", SLUG]).run().await.assert_failed(2, "--workspace");
}
