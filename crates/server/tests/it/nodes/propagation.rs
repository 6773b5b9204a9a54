//! Changes reach a connected node.

use http::StatusCode;
use keyrack_guard::OfflinePolicy;
use serde_json::json;

use super::{ServerAndNode, check_secret, node_key, start};
use crate::harness::{send, wait_until};

const DELETIONS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_key_is_denied_by_node_each_time() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    for number in 0..DELETIONS {
        let key = pair.api.create_key_with(&["inference"]).await;
        assert_eq!(pair.check_key(&key).await, 200, "created and allowed: {number}");
        let propagation = pair.delete(&key).await;
        assert_eq!(pair.check_key(&key).await, 401, "{number}");
        assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(2)), "{number}");
        assert_eq!(propagation["unconfirmed"], json!([]));
    }
    assert_eq!(pair.proxy.snapshots(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_allows_only_keys_of_its_workspace() {
    let pair = ServerAndNode::start(OfflinePolicy::Deny).await;
    let before = pair.api.create_key_with(&["inference"]).await;
    let fixture = crate::fixtures::AccessFixture::start().await;
    let node = start(
        &fixture.server.url,
        &fixture.key_with_scopes(&[keyrack_key::Scope::Node]).secret,
        OfflinePolicy::Deny,
    )
    .await;
    assert_eq!(
        check_secret(&node, &fixture.key_with_scopes(&[keyrack_key::Scope::Inference]).secret).await,
        200
    );
    assert_eq!(check_secret(&node, &fixture.key_with_scopes(&[keyrack_key::Scope::Keys]).secret).await, 403);
    assert_eq!(check_secret(&node, &fixture.their_key).await, 401);
    assert_eq!(check_secret(&node, &fixture.deleted).await, 401);
    assert_eq!(check_secret(&node, &before.secret).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_on_node_is_reported_to_server() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    let narrow = pair.api.create_key_with(&["keys"]).await;
    for _ in 0..40 {
        assert_eq!(pair.check_key(&key).await, 200);
        assert_eq!(pair.check_key(&narrow).await, 403);
    }
    let checks = |items: &serde_json::Value, outcome: &str| {
        let items = items["items"].as_array().unwrap();
        let counted =
            items.iter().filter(|item| item["outcome"] == outcome && item["permission"] == "models:predict");
        counted.map(|item| item["checks"].as_u64().unwrap()).sum::<u64>()
    };
    for (key, outcome) in [(&key, "allowed"), (&narrow, "insufficient_scope")] {
        let usage = wait_until("the usage is reported", async || {
            let usage = pair.api.get(&format!("{}/usage", key.path())).await.ok().json();
            (checks(&usage, outcome) >= 40).then_some(usage)
        })
        .await;
        assert_eq!(checks(&usage, outcome), 40);
    }
    let last = pair.api.read(&key).await["lastUsed"].take();
    assert_eq!((&last["userAgent"], &last["permission"]), (&json!("of a test"), &json!("models:predict")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_node_reports_usage_and_is_removed() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    assert_eq!(pair.api.get("/api/v1/nodes").await.ok().json()["items"][0]["name"], "of a test");
    assert_eq!(pair.check_key(&key).await, 200);
    let ServerAndNode { api, node, proxy: _wire, .. } = pair;
    let guard = node.guard().clone();
    node.stop().await;
    let usage = api.get(&format!("{}/usage", key.path())).await.ok().json();
    assert_eq!(usage["items"][0]["checks"], 1, "{usage}");
    assert_eq!(api.get("/api/v1/nodes").await.ok().json()["items"], json!([]));
    let request = http::Request::get("/").header("x-api-key", &key.secret).body(()).unwrap().into_parts().0;
    assert!(guard.check(&request, None).is_err(), "the guard of a stopped node denies all requests");
    assert_eq!(api.delete(&key.path()).await.ok().json()["propagation"]["nodes"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_with_deleted_credential_denies_all_requests() {
    let pair = ServerAndNode::start(OfflinePolicy::Deny).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    let other = start(&pair.api.server.url, &node_key(&pair.api).await.secret, OfflinePolicy::Deny).await;
    // The manager key has no scope Node, so it cannot delete this key.
    let command =
        pair.api.server.key_command(&["delete", &pair.credential.id]).run().await.assert_succeeded();
    assert!(!command.stderr.contains("Not yet confirmed"), "{command:?}");
    wait_until("the node denies the key", async || {
        (pair.check_key(&key).await == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    assert!(pair.node.last_error().unwrap().contains("401"), "{:?}", pair.node.last_error());
    assert_eq!(check_secret(&other, &key.secret).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_with_invalid_credential_fails_to_start() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let key = pair.api.create_key_with(&["project", "inference"]).await;
    for (secret, expected) in [(key.secret.as_str(), "403"), ("nonsense", "401")] {
        let node = keyrack_guard::NodeBuilder::new(&pair.proxy.url, secret).start().await;
        let error = node.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains(secret), "{error}");
    }
    for address in ["", "keys.example.org", "ftp//x", "http://127.0.0.1:1"] {
        assert!(keyrack_guard::NodeBuilder::new(address, &key.secret).start().await.is_err(), "{address}");
    }
    let page = send(pair.api.request(reqwest::Method::GET, "/api/v1/nodes")).await;
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 1);
}
