//! Pauses reach a node like deletions, and so do resumes.

use std::time::Duration;

use keyrack_guard::OfflinePolicy;
use serde_json::{Value, json};

use super::{ServerAndNode, check_secret};
use crate::api::CreatedKey;
use crate::harness::wait_until;

impl ServerAndNode {
    async fn change(&self, key: &CreatedKey, what: &str, body: Value) -> Value {
        self.api.post(&format!("{}/{what}", key.path()), body).await.ok().json()["propagation"].take()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_and_resume_apply_on_node_when_answered() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    for number in 0..50 {
        let body = if number % 2 == 0 { json!({}) } else { json!({ "duration": "10m" }) };
        let propagation = pair.change(&key, "pause", body).await;
        assert_eq!(pair.check_key(&key).await, 401, "{number}");
        assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(2)), "{number}");
        let propagation = pair.change(&key, "resume", json!({})).await;
        assert_eq!(pair.check_key(&key).await, 200, "{number}");
        assert_eq!(propagation["confirmed"], 2, "{number}");
    }
    let denied = wait_until("the denials are reported", async || {
        let usage = pair.api.get(&format!("{}/usage", key.path())).await.ok().json();
        let paused = usage["items"].as_array().unwrap().iter().filter(|one| one["outcome"] == "paused_key");
        let denied = paused.map(|one| one["checks"].as_u64().unwrap()).sum::<u64>();
        (denied >= 50).then_some(denied)
    });
    assert_eq!(denied.await, 50);
    assert_eq!(pair.proxy.snapshots(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_on_node_ends_on_time() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    pair.change(&key, "pause", json!({ "duration": "2s" })).await;
    let late = super::start(&pair.proxy.url, &pair.credential.secret, OfflinePolicy::Deny).await;
    assert_eq!(
        (pair.check_key(&key).await, check_secret(&late, &key.secret).await),
        (401.try_into().unwrap(), 401.try_into().unwrap())
    );
    for node in [&pair.node, &late] {
        wait_until("the pause has ended", async || {
            (check_secret(node, &key.secret).await == 200).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_names_disconnected_node() {
    let pair = ServerAndNode::start(OfflinePolicy::ServeFor(Duration::from_mins(10))).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    pair.proxy.set_cut(true);
    let propagation = pair.change(&key, "pause", json!({})).await;
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(1)));
    assert_eq!(propagation["unconfirmed"][0]["name"], "of a test");
    assert_eq!(pair.check_key(&key).await, 200, "until the change arrives");
    pair.proxy.set_cut(false);
    wait_until("the node denies the key", async || (pair.check_key(&key).await == 401).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retired_secret_is_denied_by_node_when_answered() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    let new = pair.api.rotate(&key, "24h").await;
    assert_eq!(
        (pair.check_key(&key).await, pair.check_key(&new).await),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    assert_eq!(pair.change(&key, "retire", json!({})).await["confirmed"], 2);
    assert_eq!(
        (pair.check_key(&key).await, pair.check_key(&new).await),
        (401.try_into().unwrap(), 200.try_into().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_with_paused_credential_denies_until_resumed() {
    let pair = ServerAndNode::start(OfflinePolicy::Deny).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    pair.api.server.key_command(&["pause", &pair.credential.id]).run().await.assert_succeeded();
    wait_until("the node denies the key", async || (pair.check_key(&key).await == 503).then_some(())).await;
    assert!(pair.node.last_error().unwrap().contains("401"), "{:?}", pair.node.last_error());
    pair.api.server.key_command(&["resume", &pair.credential.id]).run().await.assert_succeeded();
    wait_until("the node is synced again", async || (pair.check_key(&key).await == 200).then_some(())).await;
}
