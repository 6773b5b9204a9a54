//! Requests that no node sends.

use keyrack_key::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixtures::AccessFixture;
use crate::harness::{send, text};

const CHANGE: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

async fn register(fixture: &AccessFixture, secret: &str) -> String {
    text(&fixture.server.post("/api/v1/nodes", secret, json!({ "name": "counter" })).await.json()["id"])
}

#[tokio::test]
async fn invalid_node_registration_is_rejected_by_field() {
    let fixture = AccessFixture::start().await;
    let secret = &fixture.key_with_scopes(&[Scope::Node]).secret;
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "name": "a\u{202E}b" }), "name"),
        (json!({ "name": "a", "offlineGraceSeconds": 3601 }), "offlineGraceSeconds"),
        (json!({ "name": "a", "offlineGraceSeconds": -1 }), "offlineGraceSeconds"),
        (json!({ "name": "a", "offlineGraceSeconds": "1h" }), "offlineGraceSeconds"),
        (json!({ "name": "a", "lease": 9 }), "lease"),
    ] {
        let answer = fixture.server.post("/api/v1/nodes", secret, body.clone()).await;
        let problem = answer.problem(422, "invalid");
        assert_eq!(problem["details"][0]["field"], field, "{body}");
    }
    let nodes = fixture.server.get("/api/v1/nodes", fixture.key()).await.ok().json();
    assert_eq!(nodes["items"], json!([]));
}

#[tokio::test]
async fn invalid_node_request_is_rejected_by_field() {
    let fixture = AccessFixture::start().await;
    let secret = &fixture.key_with_scopes(&[Scope::Node]).secret;
    let node = register(&fixture, secret).await;
    let at = |revision: Value, change: &str| json!({ "applied": { "revision": revision, "change": change } });
    for (path, body, field) in [
        ("changes", json!({}), "applied"),
        ("changes", at(json!(-1), CHANGE), "applied.revision"),
        ("changes", at(json!(0), "AAAA"), "applied.change"),
        ("changes", at(json!(0), "no Base64"), "applied.change"),
        ("usage", json!({ "batch": 0, "keys": [] }), "batch"),
        ("usage", json!({ "batch": 9_223_372_036_854_775_808_u64, "keys": [] }), "batch"),
        ("usage", json!({ "batch": 1, "keys": [{ "key": "me", "counts": [] }] }), "keys"),
        ("usage", usage(&json!({ "permission": "all", "checks": 1 })), "keys"),
        ("usage", json!({ "batch": 1, "keys": [], "callers": vec![called(&json!(1)); 501] }), "callers"),
        ("usage", json!({ "batch": 1, "keys": [], "callers": [called(&json!(0))] }), "callers"),
        ("usage", json!({ "batch": 1, "keys": [], "callers": [called(&json!(-1))] }), "callers[0].calls"),
        ("usage", json!({ "batch": 1, "keys": [], "callers": [{ "key": "me" }] }), "callers[0].hint"),
        ("usage", usage(&json!({ "denied": "for fun", "checks": 1 })), "keys"),
        ("usage", usage(&json!({ "checks": 4_294_967_296_u64 })), "keys[0].counts[0].checks"),
        (
            "usage",
            json!({ "batch": 1, "keys": vec![json!({ "key": fixture.ours.key.to_string(), "counts": [] }); 501] }),
            "keys",
        ),
    ] {
        let answer = fixture.server.post(&format!("/api/v1/nodes/{node}/{path}"), secret, body.clone()).await;
        let problem = answer.problem(422, "invalid");
        assert_eq!(problem["details"][0]["field"], field, "{path} {body:.200}");
    }
    // A position outside this history acknowledges nothing, regardless of its revision.
    let far = at(json!(u64::MAX), CHANGE);
    let answer = fixture.server.post(&format!("/api/v1/nodes/{node}/changes"), secret, far).await;
    answer.problem(409, "other_history");
}

fn called(calls: &Value) -> Value {
    let time = "2026-01-01T00:00:00Z";
    json!({ "key": "key_00000000000070008000000000000000", "hint": "9fQ2", "first": time, "last": time, "calls": calls })
}

fn usage(count: &Value) -> Value {
    json!({ "batch": 1, "keys": [{ "key": "key_00000000000070008000000000000000", "counts": [count] }] })
}

#[tokio::test]
async fn node_of_other_key_is_not_found() {
    let fixture = AccessFixture::start().await;
    let node = register(&fixture, &fixture.key_with_scopes(&[Scope::Node]).secret).await;
    let other = &fixture.key_with_scopes(&[Scope::Keys, Scope::Node]).secret;
    for secret in [other, &fixture.their_key] {
        for (method, rest) in [(Method::GET, "/snapshot"), (Method::DELETE, "")] {
            let request = fixture.server.request(method, &format!("/api/v1/nodes/{node}{rest}"));
            send(request.bearer_auth(secret)).await.problem(404, "not_found");
        }
    }
    for unknown in ["nod_00000000000070008000000000000000", "nobody"] {
        let answer = fixture.server.get(&format!("/api/v1/nodes/{unknown}/snapshot"), other).await;
        answer.problem(404, "not_found");
    }
}

#[tokio::test]
async fn snapshot_contains_no_secret() {
    let fixture = AccessFixture::start().await;
    let secret = &fixture.key_with_scopes(&[Scope::Node]).secret;
    let node = register(&fixture, secret).await;
    let snapshot = fixture.server.get(&format!("/api/v1/nodes/{node}/snapshot"), secret).await.ok();
    let lines: Vec<Value> = snapshot.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [head, keys @ .., end] = &lines[..] else { panic!("{snapshot:?}") };
    assert!(head["head"]["revision"].as_u64().unwrap() > 0);
    assert_eq!(end["end"], keys.len());
    assert!(keys.iter().all(|line| line["key"]["workspace"] == fixture.ours.id.to_string()));
    for key in &fixture.keys {
        assert!(!snapshot.text.contains(&key.secret));
        assert!(snapshot.text.contains(&key.id.to_string()));
    }
}
