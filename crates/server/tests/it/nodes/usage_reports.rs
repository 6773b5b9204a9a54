//! Usage reports are counted once, and only for keys of the node's workspace.

use std::time::Duration;

use futures_util::future::join_all;
use keyrack_key::Scope;
use serde_json::{Value, json};

use crate::fixtures::AccessFixture;
use crate::harness::text;

async fn register(fixture: &AccessFixture, secret: &str) -> String {
    let answer = fixture.server.post("/api/v1/nodes", secret, json!({ "name": "counter" })).await;
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
async fn repeated_usage_batch_is_counted_once() {
    let fixture = AccessFixture::start().await;
    let secret = &fixture.key_with_scopes(&[Scope::Node]).secret;
    let node = register(&fixture, secret).await;
    let path = format!("/api/v1/nodes/{node}/usage");
    let ours = fixture.ours.key.to_string();
    for number in [1, 1, 2, 1, 2] {
        assert_eq!(fixture.server.post(&path, secret, batch(number, &ours)).await.status, 204);
    }
    let theirs = fixture.theirs.key.to_string();
    assert_eq!(fixture.server.post(&path, secret, batch(3, &theirs)).await.status, 204);
    let usage = format!("/api/v1/keys/{ours}/usage");
    let usage = fixture.server.get(&usage, fixture.key()).await.ok().json();
    assert_eq!((usage["items"].as_array().unwrap().len(), &usage["items"][0]["checks"]), (1, &json!(14)));
    let callers = format!("/api/v1/keys/{ours}/callers");
    let callers = fixture.server.get(&callers, fixture.key()).await.ok().json();
    let [one] = callers["items"].as_array().unwrap().as_slice() else { panic!("{callers}") };
    assert_eq!(
        (&one["network"], &one["allowed"], &one["userAgent"]),
        (&json!("10.0.0.9"), &json!(14), &json!("robot"))
    );
    let usage = format!("/api/v1/keys/{theirs}/usage");
    let usage = fixture.server.get(&usage, &fixture.their_key).await.ok().json();
    assert_eq!(usage["items"], json!([]));
}

/// A node can report any time, and its clock can be wrong.
#[tokio::test]
async fn reported_times_are_clamped_to_key_lifetime() {
    let fixture = AccessFixture::start().await;
    let secret = &fixture.key_with_scopes(&[Scope::Node]).secret;
    let path = format!("/api/v1/nodes/{}/usage", register(&fixture, secret).await);
    let key = fixture.key_with_scopes(&[Scope::Project]);
    let (hint, id) = (&key.secret[key.secret.len() - 4..], key.id.to_string());
    let report = |number: u64, at: &str| {
        let counts = json!([{ "permission": "models:predict", "checks": 1 }]);
        let called = json!({ "key": id, "hint": hint, "agent": at, "exposure": "url", "first": at, "last": at, "calls": 1 });
        let exposures =
            json!([{ "hint": hint, "exposure": "browser", "origin": "https://shop.example", "at": at }]);
        let used = json!({ "key": id, "counts": counts, "last": { "at": at, "agent": "robot" }, "exposures": exposures });
        json!({ "batch": number, "keys": [used], "callers": [called] })
    };
    for (number, at) in [(1, "9990-01-01T00:00:00Z"), (2, "1971-01-01T00:00:00Z")] {
        assert_eq!(fixture.server.post(&path, secret, report(number, at)).await.status, 204);
    }
    let key = fixture.server.get(&format!("/api/v1/keys/{id}"), fixture.key()).await.ok().json();
    let callers = fixture.server.get(&format!("/api/v1/keys/{id}/callers"), fixture.key()).await.ok().json();
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
    let exposures =
        fixture.server.get(&format!("/api/v1/keys/{id}/exposures"), fixture.key()).await.ok().json();
    let exposures = exposures["items"].as_array().unwrap();
    assert_eq!(exposures.len(), 2, "{exposures:?}");
    for one in exposures {
        assert!(is_possible(&one["firstSeen"]) && is_possible(&one["lastSeen"]), "{one}");
    }
}

/// Each waiting report occupies a blocking thread, and each commit needs one.
#[tokio::test(flavor = "multi_thread")]
async fn key_deletion_commits_during_flood_of_usage_reports() {
    let fixture = AccessFixture::start().await;
    let secret = &fixture.key_with_scopes(&[Scope::Node]).secret;
    let node = register(&fixture, secret).await;
    let (path, key) = (format!("/api/v1/nodes/{node}/usage"), fixture.ours.key.to_string());
    // More than the blocking threads of the runtime (512).
    let reports = join_all((1..=700).map(|number| fixture.server.post(&path, secret, batch(number, &key))));
    let reports =
        tokio::time::timeout(Duration::from_mins(2), reports).await.expect("every report is answered");
    let denied = reports.iter().filter(|answer| answer.status == 429).count();
    let written = reports.iter().filter(|answer| answer.status == 204).count();
    assert!(
        denied > 0 && written > 0 && denied + written == reports.len(),
        "{denied} denied, {written} written"
    );
    let doomed = fixture.key_with_scopes(&[Scope::Project]);
    let path = format!("/api/v1/keys/{}", doomed.id);
    assert_eq!(fixture.server.delete(&path, fixture.key()).await.status, 200);
}
