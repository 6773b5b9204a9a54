//! The connection is cut, or the server is down.

use std::time::Duration;

use http::StatusCode;
use keyrack_guard::OfflinePolicy;
use serde_json::json;

use super::{ServerAndNode, node_key};
use crate::harness::wait_until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offline_node_serves_and_catches_up_without_snapshot() {
    let mut pair = ServerAndNode::start(OfflinePolicy::ServeFor(Duration::from_mins(10))).await;
    let (kept, deleted) =
        (pair.api.create_key_with(&["inference"]).await, pair.api.create_key_with(&["inference"]).await);
    pair.api.server.kill();
    wait_until("the node reports an error", async || pair.node.last_error()).await;
    assert_eq!(
        (pair.check_key(&kept).await, pair.check_key(&deleted).await),
        (StatusCode::OK, StatusCode::OK)
    );
    pair.api.server.restart().await;
    // The restarted server knows the node before it reconnects, so the deletion names it.
    let propagation = pair.delete(&deleted).await;
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(1)));
    assert_eq!(propagation["unconfirmed"][0]["id"], pair.node.id().unwrap().to_string());
    assert_eq!(pair.check_key(&deleted).await, 200, "until the change arrives");
    pair.proxy.redirect_to(&pair.api.server.url);
    wait_until("the node denies the key", async || (pair.check_key(&deleted).await == 401).then_some(()))
        .await;
    assert_eq!(pair.check_key(&kept).await, 200);
    assert_eq!(pair.proxy.snapshots(), 1);
    assert_eq!(pair.delete(&kept).await["confirmed"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deny_policy_node_denies_before_deletion_is_confirmed() {
    let pair = ServerAndNode::start(OfflinePolicy::Deny).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    pair.proxy.set_cut(true);
    assert_eq!(pair.check_key(&key).await, 200, "until its lease expires");
    let propagation = pair.delete(&key).await;
    assert_eq!(pair.check_key(&key).await, 503);
    assert_eq!((&propagation["nodes"], &propagation["unconfirmed"]), (&json!(2), &json!([])));
    // The lease has expired by then, so the node must load a new snapshot.
    pair.proxy.set_cut(false);
    pair.wait_until_synced().await;
    assert_eq!(pair.check_key(&key).await, 401);
    assert_eq!(pair.proxy.snapshots(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletion_names_disconnected_node_and_its_deadline() {
    let pair = ServerAndNode::start(OfflinePolicy::ServeFor(Duration::from_secs(4))).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    pair.proxy.set_cut(true);
    let propagation = pair.delete(&key).await;
    let unconfirmed = &propagation["unconfirmed"][0];
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(1)));
    assert_eq!(unconfirmed["name"], "of a test");
    let deadline: jiff::Timestamp = unconfirmed["until"].as_str().unwrap().parse().unwrap();
    wait_until("the node denies the key", async || (pair.check_key(&key).await == 503).then_some(())).await;
    assert!(jiff::Timestamp::now() <= deadline, "{deadline}");
    // The server neither waits for an expired node nor names it.
    wait_until("the node's lease has expired", async || (jiff::Timestamp::now() > deadline).then_some(()))
        .await;
    let next = pair.api.create_key_with(&["inference"]).await;
    let propagation = pair.delete(&next).await;
    assert_eq!((&propagation["nodes"], &propagation["unconfirmed"]), (&json!(1), &json!([])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletion_does_not_wait_again_for_disconnected_node() {
    let pair = ServerAndNode::start(OfflinePolicy::ServeFor(Duration::from_mins(10))).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    pair.proxy.set_cut(true);
    let (first, second) = (pair.delete(&key).await, pair.api.create_key_with(&["inference"]).await);
    assert_eq!(first["confirmed"], 1);
    // Other changes name the node at once, and other nodes are confirmed as usual.
    let other =
        super::start(&pair.api.server.url, &node_key(&pair.api).await.secret, OfflinePolicy::Deny).await;
    let propagation = pair.delete(&second).await;
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(3), &json!(2)));
    assert_eq!(super::check_secret(&other, &second.secret).await, 401);
}
