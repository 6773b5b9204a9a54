//! Invalid feeds: the node detects them and loads a new snapshot.

use std::fs;

use keyrack_guard::OfflinePolicy;
use serde_json::{Value, json};

use super::{ServerAndNode, check_secret, start};
use crate::api::CreatedKey;
use crate::harness::wait_until;

/// Injects a response and waits until the node has loaded a new snapshot.
async fn assert_reload_after(pair: &ServerAndNode, mut answer: Value, dead: &CreatedKey, alive: &CreatedKey) {
    let before = pair.proxy.snapshots();
    // The injected response has a current time.
    answer["now"] = now().into();
    pair.proxy.inject(answer);
    pair.proxy.wait_until_delivered().await;
    pair.wait_until_synced().await;
    assert_eq!(pair.proxy.snapshots(), before + 1);
    assert_eq!((pair.check_key(dead).await.as_u16(), pair.check_key(alive).await.as_u16()), (401, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feed_with_gap_repetition_or_reordering_is_reloaded() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let (dead, alive) =
        (pair.api.create_key_with(&["inference"]).await, pair.api.create_key_with(&["inference"]).await);
    pair.delete(&dead).await;
    let later = pair.api.create_key_with(&["inference"]).await;
    let [first, .., deletion, last] = &pair.proxy.frames()[..] else { panic!("{:?}", pair.proxy.frames()) };
    // An old frame, the last frame again, and frames in the wrong order.
    for repeated in [first, last, deletion, first] {
        assert_reload_after(&pair, repeated.clone(), &dead, &alive).await;
    }
    // A frame ahead of the node's position would skip the changes in between.
    let ahead = json!({ "revision": last["to"]["revision"].as_u64().unwrap() + 1, "change": "AAAAAAAAAAAAAAAAAAAAAA==" });
    let hole = json!({ "from": ahead, "to": ahead, "changes": [], "now": now() });
    assert_reload_after(&pair, hole, &dead, &alive).await;
    assert_eq!(pair.check_key(&later).await, 200);
    // An old frame with the live key would undo the deletion.
    let born =
        pair.proxy.frames().into_iter().find(|frame| frame["changes"][0]["id"] == dead.id.as_str()).unwrap();
    assert_reload_after(&pair, born, &dead, &alive).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_feed_response_changes_nothing() {
    let pair = ServerAndNode::start(OfflinePolicy::Deny).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    let at = pair.proxy.frames().last().unwrap()["to"].clone();
    let frame = |changes: Value, now: &str| json!({ "from": at, "to": at, "changes": changes, "now": now });
    for nonsense in [
        json!({}),
        json!("nothing"),
        frame(json!([{ "id": "key_0" }]), &now()),
        frame(json!([]), "yesterday"),
        frame(json!([]), "2020-01-01T00:00:00Z"),
    ] {
        pair.proxy.inject(nonsense.clone());
        pair.proxy.wait_until_delivered().await;
        pair.wait_until_synced().await;
        assert_eq!(pair.check_key(&key).await, 200, "{nonsense}");
    }
    assert_eq!(pair.delete(&key).await["confirmed"], 2);
    assert_eq!(pair.check_key(&key).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_backup_with_same_revisions_is_detected() {
    let mut pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let kept = pair.api.create_key_with(&["inference"]).await;
    pair.api.server.stop().await;
    let data = pair.api.server.data();
    let backup = tempfile::TempDir::new().unwrap();
    fs::copy(data.join("keyrack.db"), backup.path().join("keyrack.db")).unwrap();
    pair.api.server.restart().await;
    pair.proxy.redirect_to(&pair.api.server.url);
    let lost = pair.api.create_key_with(&["inference"]).await;
    assert_eq!(pair.check_key(&lost).await, 200);
    // After the backup is restored, another change gets the revision of the lost one.
    pair.proxy.set_cut(true);
    pair.api.server.stop().await;
    fs::copy(backup.path().join("keyrack.db"), data.join("keyrack.db")).unwrap();
    pair.api.server.restart().await;
    let instead = pair.api.create_key_with(&["inference"]).await;
    pair.proxy.redirect_to(&pair.api.server.url);
    pair.proxy.set_cut(false);
    wait_until("the lost key is denied", async || (pair.check_key(&lost).await == 401).then_some(())).await;
    assert_eq!((pair.check_key(&kept).await.as_u16(), pair.check_key(&instead).await.as_u16()), (200, 200));
    let fresh = start(&pair.api.server.url, &pair.credential.secret, OfflinePolicy::default()).await;
    for key in [&kept, &instead, &lost] {
        assert_eq!(pair.check_key(key).await, check_secret(&fresh, &key.secret).await);
    }
}

/// The server would deny the same report again and block all later reports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denied_usage_report_is_dropped_and_next_arrives() {
    let pair = ServerAndNode::start(OfflinePolicy::default()).await;
    let key = pair.api.create_key_with(&["inference"]).await;
    pair.proxy.deny_next_report();
    assert_eq!(pair.check_key(&key).await, 200);
    wait_until("a report is denied", async || pair.proxy.has_denied_report().then_some(())).await;
    assert_eq!(pair.check_key(&key).await, 200);
    let usage = format!("{}/usage", key.path());
    let checks = wait_until("the next report arrives", async || {
        let usage = pair.api.get(&usage).await.ok().json();
        usage["items"][0]["checks"].as_u64()
    })
    .await;
    assert_eq!(checks, 1);
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}
