//! What comes as uses is counted once, and only for keys of the node's workspace.

use std::time::Duration;

use futures_util::future::join_all;
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
        "key": key, "hint": "9fQ2", "address": "10.0.0.9", "agent": "robot", "permission": "models:predict",
        "first": "2026-01-01T00:00:00Z", "last": jiff::Timestamp::now().to_string(), "calls": 7
    });
    json!({ "batch": number, "keys": [{ "key": key, "counts": counts }], "callers": [called] })
}

#[tokio::test]
async fn a_batch_that_comes_again_is_not_counted_again_and_keys_of_others_are_passed_over() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Node]).secret;
    let node = register(&cast, secret).await;
    let path = format!("/api/v1/nodes/{node}/usage");
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
        (&one["network"], &one["allowed"], &one["userAgent"]),
        (&json!("10.0.0.9"), &json!(14), &json!("robot"))
    );
    let usage = format!("/api/v1/keys/{theirs}/usage");
    let usage = cast.server.get(&usage, &cast.their_key).await.ok().json();
    assert_eq!(usage["items"], json!([]));
}

/// A node says what it likes about times, and its clock may be wrong.
#[tokio::test]
async fn no_time_that_a_node_reports_lies_ahead_or_before_the_key() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Node]).secret;
    let path = format!("/api/v1/nodes/{}/usage", register(&cast, secret).await);
    let key = cast.holding(&[Scope::Project]);
    let (hint, id) = (&key.secret[key.secret.len() - 4..], key.id.to_string());
    let report = |number: u64, at: &str| {
        let counts = json!([{ "permission": "models:predict", "checks": 1 }]);
        let called = json!({ "key": id, "hint": hint, "agent": at, "exposure": "url", "first": at, "last": at, "calls": 1 });
        let seen =
            json!([{ "hint": hint, "exposure": "browser", "origin": "https://shop.example", "at": at }]);
        let used =
            json!({ "key": id, "counts": counts, "last": { "at": at, "agent": "robot" }, "exposures": seen });
        json!({ "batch": number, "keys": [used], "callers": [called] })
    };
    for (number, at) in [(1, "9990-01-01T00:00:00Z"), (2, "1971-01-01T00:00:00Z")] {
        assert_eq!(cast.server.post(&path, secret, report(number, at)).await.status, 204);
    }
    let key = cast.server.get(&format!("/api/v1/keys/{id}"), cast.key()).await.ok().json();
    let callers = cast.server.get(&format!("/api/v1/keys/{id}/callers"), cast.key()).await.ok().json();
    let now = jiff::Timestamp::now();
    let created: jiff::Timestamp = text(&key["createdAt"]).parse().unwrap();
    let is_possible = |time: &Value| {
        let time: jiff::Timestamp = text(time).parse().unwrap();
        created <= time && time <= now
    };
    assert!(is_possible(&key["lastUsed"]["at"]), "{key}");
    for caller in callers["items"].as_array().unwrap() {
        assert!(is_possible(&caller["firstSeen"]) && is_possible(&caller["lastSeen"]), "{caller}");
    }
    let seen = cast.server.get(&format!("/api/v1/keys/{id}/exposures"), cast.key()).await.ok().json();
    let seen = seen["items"].as_array().unwrap();
    assert_eq!(seen.len(), 2, "{seen:?}");
    for one in seen {
        assert!(is_possible(&one["firstSeen"]) && is_possible(&one["lastSeen"]), "{one}");
    }
}

/// Each report that waits for the writer keeps a blocking thread, and the writer needs such a thread for each commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_usage_reports_leaves_a_thread_for_the_commit_of_a_deletion() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Node]).secret;
    let node = register(&cast, secret).await;
    let (path, key) = (format!("/api/v1/nodes/{node}/usage"), cast.ours.key.to_string());
    // More than the runtime has blocking threads (512).
    let reports = join_all((1..=700).map(|number| cast.server.post(&path, secret, batch(number, &key))));
    let reports =
        tokio::time::timeout(Duration::from_mins(2), reports).await.expect("every report is answered");
    let denied = reports.iter().filter(|answer| answer.status == 429).count();
    let written = reports.iter().filter(|answer| answer.status == 204).count();
    assert!(
        denied > 0 && written > 0 && denied + written == reports.len(),
        "{denied} denied, {written} written"
    );
    let doomed = cast.holding(&[Scope::Project]);
    let path = format!("/api/v1/keys/{}", doomed.id);
    assert_eq!(cast.server.delete(&path, cast.key()).await.status, 200);
}
