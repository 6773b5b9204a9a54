//! Nothing stands in the way.

use http::StatusCode;
use keyrack_guard::OfflinePolicy;
use serde_json::json;

use super::{Pair, ask, node_key, start};
use crate::harness::{send, until};

const DELETIONS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_1_000_deletions_is_refused_by_the_node_when_it_is_answered() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    for number in 0..DELETIONS {
        let key = pair.desk.key(&["inference"]).await;
        assert_eq!(pair.ask(&key).await, 200, "made, and answered: {number}");
        let propagation = pair.delete(&key).await;
        assert_eq!(pair.ask(&key).await, 401, "{number}");
        assert_eq!((&propagation["nodes"], &propagation["confirmed"]), (&json!(2), &json!(2)), "{number}");
        assert_eq!(propagation["unconfirmed"], json!([]));
    }
    assert_eq!(pair.wire.snapshots(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_knows_the_keys_of_its_workspace_and_no_others() {
    let pair = Pair::following(OfflinePolicy::Deny).await;
    let before = pair.desk.key(&["inference"]).await;
    let cast = crate::cast::Cast::assemble().await;
    let node =
        start(&cast.server.url, &cast.holding(&[keyrack_key::Scope::Node]).secret, OfflinePolicy::Deny).await;
    assert_eq!(ask(&node, &cast.holding(&[keyrack_key::Scope::Inference]).secret).await, 200);
    assert_eq!(ask(&node, &cast.holding(&[keyrack_key::Scope::Keys]).secret).await, 403);
    assert_eq!(ask(&node, &cast.their_key).await, 401);
    assert_eq!(ask(&node, &cast.deleted).await, 401);
    assert_eq!(ask(&node, &before.secret).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keys_are_used_for_on_a_node_is_told_on_the_server() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let key = pair.desk.key(&["inference"]).await;
    let narrow = pair.desk.key(&["keys"]).await;
    for _ in 0..40 {
        assert_eq!(pair.ask(&key).await, 200);
        assert_eq!(pair.ask(&narrow).await, 403);
    }
    let told = |items: &serde_json::Value, outcome: &str| {
        let items = items["items"].as_array().unwrap();
        let counted =
            items.iter().filter(|item| item["outcome"] == outcome && item["permission"] == "models:predict");
        counted.map(|item| item["checks"].as_u64().unwrap()).sum::<u64>()
    };
    for (key, outcome) in [(&key, "allowed"), (&narrow, "insufficient_scope")] {
        let usage = until("the uses are told", async || {
            let usage = pair.desk.get(&format!("{}/usage", key.path())).await.ok().json();
            (told(&usage, outcome) >= 40).then_some(usage)
        })
        .await;
        assert_eq!(told(&usage, outcome), 40);
    }
    let last = pair.desk.read(&key).await["lastUsed"].take();
    assert_eq!((&last["userAgent"], &last["permission"]), (&json!("of a test"), &json!("models:predict")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_tells_what_was_used_and_is_waited_for_no_longer() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let key = pair.desk.key(&["inference"]).await;
    assert_eq!(pair.desk.get("/api/v1/nodes").await.ok().json()["items"][0]["name"], "of a test");
    assert_eq!(pair.ask(&key).await, 200);
    let Pair { desk, node, wire: _wire, .. } = pair;
    let guard = node.guard().clone();
    node.stop().await;
    let usage = desk.get(&format!("{}/usage", key.path())).await.ok().json();
    assert_eq!(usage["items"][0]["checks"], 1, "{usage}");
    assert_eq!(desk.get("/api/v1/nodes").await.ok().json()["items"], json!([]));
    let request = http::Request::get("/").header("x-api-key", &key.secret).body(()).unwrap().into_parts().0;
    assert!(guard.check(&request, None).is_err(), "a guard of a node that has stopped lets nobody through");
    assert_eq!(desk.delete(&key.path()).await.ok().json()["propagation"]["nodes"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_credential_is_deleted_refuses_everything() {
    let pair = Pair::following(OfflinePolicy::Deny).await;
    let key = pair.desk.key(&["inference"]).await;
    let other = start(&pair.desk.server.url, &node_key(&pair.desk).await.secret, OfflinePolicy::Deny).await;
    // The master key of the desk cannot: it does not hold the scope.
    let command = pair.desk.server.keys(&["delete", &pair.credential.id]).run().await.succeeded();
    assert!(command.stderr.contains("no server accepts it"), "{command:?}");
    until("it refuses", async || (pair.ask(&key).await == StatusCode::SERVICE_UNAVAILABLE).then_some(()))
        .await;
    assert!(pair.node.last_error().unwrap().contains("401"), "{:?}", pair.node.last_error());
    assert_eq!(ask(&other, &key.secret).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_is_none_is_said_at_the_start() {
    let pair = Pair::following(OfflinePolicy::default()).await;
    let key = pair.desk.key(&["project", "inference"]).await;
    for (secret, says) in [(key.secret.as_str(), "403"), ("nonsense", "401")] {
        let node = keyrack_guard::NodeBuilder::new(&pair.wire.url, secret).start().await;
        let error = node.unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains(secret), "{error}");
    }
    for address in ["", "keys.example.org", "ftp//x", "http://127.0.0.1:1"] {
        assert!(keyrack_guard::NodeBuilder::new(address, &key.secret).start().await.is_err(), "{address}");
    }
    let page = send(pair.desk.request(reqwest::Method::GET, "/api/v1/nodes")).await;
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 1);
}
