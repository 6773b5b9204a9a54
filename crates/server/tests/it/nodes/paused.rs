//! A pause arrives like a deletion, and goes again.

use std::time::Duration;

use keyrack_guard::OfflinePolicy;
use serde_json::{Value, json};

use super::{Pair, ask};
use crate::desk::Made;
use crate::harness::until;

impl Pair {
    async fn change(&self, key: &Made, what: &str, body: Value) -> Value {
        self.desk.post(&format!("{}/{what}", key.path()), body).await.ok().json()["propagation"].take()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_pause_and_each_resumption_holds_on_the_node_when_it_is_answered() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let key = pair.desk.key(&["inference"]).await;
    for number in 0..50 {
        let body = if number % 2 == 0 { json!({}) } else { json!({ "duration": "10m" }) };
        let propagation = pair.change(&key, "pause", body).await;
        assert_eq!(pair.ask(&key).await, 401, "{number}");
        assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(2)), "{number}");
        let propagation = pair.change(&key, "resume", json!({})).await;
        assert_eq!(pair.ask(&key).await, 200, "{number}");
        assert_eq!(propagation["confirmed"], 2, "{number}");
    }
    let refused = until("the refusals are told", async || {
        let usage = pair.desk.get(&format!("{}/usage", key.path())).await.ok().json();
        let paused = usage["items"].as_array().unwrap().iter().filter(|one| one["outcome"] == "paused_key");
        let refused = paused.map(|one| one["checks"].as_u64().unwrap()).sum::<u64>();
        (refused >= 50).then_some(refused)
    });
    assert_eq!(refused.await, 50);
    assert_eq!(pair.wire.snapshots(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_ends_by_itself_on_the_node_and_is_there_for_one_that_begins_later() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let key = pair.desk.key(&["inference"]).await;
    pair.change(&key, "pause", json!({ "duration": "2s" })).await;
    let late = super::start(&pair.wire.url, &pair.credential.secret, OfflinePolicy::Deny).await;
    assert_eq!(
        (pair.ask(&key).await, ask(&late, &key.secret).await),
        (401.try_into().unwrap(), 401.try_into().unwrap())
    );
    for node in [&pair.node, &late] {
        until("the pause is over", async || (ask(node, &key.secret).await == 200).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_names_the_node_that_is_cut_off() {
    let pair = Pair::following(OfflinePolicy::ServeFor(Duration::from_mins(10))).await;
    let key = pair.desk.key(&["inference"]).await;
    pair.wire.cut(true);
    let propagation = pair.change(&key, "pause", json!({})).await;
    assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(1)));
    assert_eq!(propagation["unconfirmed"][0]["name"], "of a test");
    assert_eq!(pair.ask(&key).await, 200, "until it is told");
    pair.wire.cut(false);
    until("the node refuses", async || (pair.ask(&key).await == 401).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_secret_that_is_retired_is_refused_by_the_node_when_it_is_answered() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let key = pair.desk.key(&["inference"]).await;
    let new = pair.desk.rotate(&key, "24h").await;
    assert_eq!(
        (pair.ask(&key).await, pair.ask(&new).await),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    assert_eq!(pair.change(&key, "retire", json!({})).await["confirmed"], 2);
    assert_eq!(
        (pair.ask(&key).await, pair.ask(&new).await),
        (401.try_into().unwrap(), 200.try_into().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_credential_is_paused_refuses_everything_until_it_is_resumed() {
    let pair = Pair::following(OfflinePolicy::Deny).await;
    let key = pair.desk.key(&["inference"]).await;
    pair.desk.server.keys(&["pause", &pair.credential.id]).run().await.succeeded();
    until("it refuses", async || (pair.ask(&key).await == 503).then_some(())).await;
    assert!(pair.node.last_error().unwrap().contains("401"), "{:?}", pair.node.last_error());
    pair.desk.server.keys(&["resume", &pair.credential.id]).run().await.succeeded();
    until("it follows again", async || (pair.ask(&key).await == 200).then_some(())).await;
}
