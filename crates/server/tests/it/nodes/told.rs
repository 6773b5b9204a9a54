//! What comes as uses is counted once, and only for keys of the node's workspace.

use keyrack_key::Scope;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::harness::text;

async fn register(cast: &Cast, secret: &str) -> String {
    let answer = cast.server.post("/api/v1/nodes", secret, json!({ "name": "counter" })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    text(&answer.json()["id"])
}

fn batch(number: u64, key: &str) -> Value {
    let counts = json!([{ "permission": "models:predict", "checks": 7 }]);
    let called = json!({
        "key": key, "secret": "9fQ2", "address": "10.0.0.9", "agent": "robot", "permission": "models:predict",
        "first": "2026-01-01T00:00:00Z", "last": jiff::Timestamp::now().to_string(), "calls": 7
    });
    json!({ "batch": number, "keys": [{ "key": key, "counts": counts }], "callers": [called] })
}

#[tokio::test]
async fn a_batch_that_comes_again_is_not_counted_again_and_keys_of_others_are_passed_over() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Node]).secret;
    let node = register(&cast, secret).await;
    let path = format!("/api/v1/nodes/{node}/uses");
    let ours = cast.ours.key.to_string();
    for number in [1, 1, 2, 1, 2] {
        assert_eq!(cast.server.post(&path, secret, batch(number, &ours)).await.status, 204);
    }
    let theirs = cast.theirs.key.to_string();
    assert_eq!(cast.server.post(&path, secret, batch(3, &theirs)).await.status, 204);
    let usage = format!("/api/v1/keys/{ours}/usage");
    let usage = cast.server.get(&usage, cast.key()).await.ok().json();
    assert_eq!((usage["items"].as_array().unwrap().len(), &usage["items"][0]["checks"]), (1, &json!(14)));
    let callers = format!("/api/v1/keys/{ours}/callers");
    let callers = cast.server.get(&callers, cast.key()).await.ok().json();
    let [one] = callers["items"].as_array().unwrap().as_slice() else { panic!("{callers}") };
    assert_eq!(
        (&one["network"], &one["allowed"], &one["agent"]),
        (&json!("10.0.0.9"), &json!(14), &json!("robot"))
    );
    let usage = format!("/api/v1/keys/{theirs}/usage");
    let usage = cast.server.get(&usage, &cast.their_key).await.ok().json();
    assert_eq!(usage["items"], json!([]));
}
