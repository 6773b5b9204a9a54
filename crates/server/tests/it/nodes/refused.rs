//! What no node would send.

use keyrack_key::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::harness::{send, text};

const CHANGE: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

async fn register(cast: &Cast, secret: &str) -> String {
    text(&cast.server.post("/api/v1/nodes", secret, json!({ "name": "counter" })).await.json()["id"])
}

#[tokio::test]
async fn what_cannot_be_a_node_is_told_why() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Node]).secret;
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
        let answer = cast.server.post("/api/v1/nodes", secret, body.clone()).await;
        let problem = answer.problem(422, "invalid");
        assert_eq!(problem["details"][0]["field"], field, "{body}");
    }
    let nodes = cast.server.get("/api/v1/nodes", cast.key()).await.ok().json();
    assert_eq!(nodes["items"], json!([]));
}

#[tokio::test]
async fn what_no_node_asks_or_tells_is_refused_by_its_field() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Node]).secret;
    let node = register(&cast, secret).await;
    let at = |revision: Value, change: &str| json!({ "applied": { "revision": revision, "change": change } });
    for (path, body, field) in [
        ("changes", json!({}), "applied"),
        ("changes", at(json!(-1), CHANGE), "applied.revision"),
        ("changes", at(json!(0), "AAAA"), "applied.change"),
        ("changes", at(json!(0), "no Base64"), "applied.change"),
        ("uses", json!({ "batch": 0, "keys": [] }), "batch"),
        ("uses", json!({ "batch": 9_223_372_036_854_775_808_u64, "keys": [] }), "batch"),
        ("uses", json!({ "batch": 1, "keys": [{ "key": "me", "counts": [] }] }), "keys"),
        ("uses", uses(&json!({ "permission": "all", "checks": 1 })), "keys"),
        ("uses", json!({ "batch": 1, "keys": [], "callers": vec![called(&json!(1)); 501] }), "callers"),
        ("uses", json!({ "batch": 1, "keys": [], "callers": [called(&json!(0))] }), "callers"),
        ("uses", json!({ "batch": 1, "keys": [], "callers": [called(&json!(-1))] }), "callers[0].calls"),
        ("uses", json!({ "batch": 1, "keys": [], "callers": [{ "key": "me" }] }), "callers[0].secret"),
        ("uses", uses(&json!({ "denied": "for fun", "checks": 1 })), "keys"),
        ("uses", uses(&json!({ "checks": 4_294_967_296_u64 })), "keys[0].counts[0].checks"),
        (
            "uses",
            json!({ "batch": 1, "keys": vec![json!({ "key": cast.ours.key.to_string(), "counts": [] }); 501] }),
            "keys",
        ),
    ] {
        let answer = cast.server.post(&format!("/api/v1/nodes/{node}/{path}"), secret, body.clone()).await;
        let problem = answer.problem(422, "invalid");
        assert_eq!(problem["details"][0]["field"], field, "{path} {body:.200}");
    }
    // A position that is none of this history, however large its number, is no acknowledgement.
    let far = at(json!(u64::MAX), CHANGE);
    let answer = cast.server.post(&format!("/api/v1/nodes/{node}/changes"), secret, far).await;
    answer.problem(409, "other_history");
}

fn called(calls: &Value) -> Value {
    let time = "2026-01-01T00:00:00Z";
    json!({ "key": "key_00000000000070008000000000000000", "hint": "9fQ2", "first": time, "last": time, "calls": calls })
}

fn uses(count: &Value) -> Value {
    json!({ "batch": 1, "keys": [{ "key": "key_00000000000070008000000000000000", "counts": [count] }] })
}

#[tokio::test]
async fn a_node_is_whoever_registered_it_and_nobody_else() {
    let cast = Cast::assemble().await;
    let node = register(&cast, &cast.holding(&[Scope::Node]).secret).await;
    let other = &cast.holding(&[Scope::Keys, Scope::Node]).secret;
    for secret in [other, &cast.their_key] {
        for (method, rest) in [(Method::GET, "/snapshot"), (Method::DELETE, "")] {
            let request = cast.server.request(method, &format!("/api/v1/nodes/{node}{rest}"));
            send(request.bearer_auth(secret)).await.problem(404, "not_found");
        }
    }
    for nobody in ["nod_00000000000070008000000000000000", "nobody"] {
        let answer = cast.server.get(&format!("/api/v1/nodes/{nobody}/snapshot"), other).await;
        answer.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_snapshot_holds_no_secret() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Node]).secret;
    let node = register(&cast, secret).await;
    let snapshot = cast.server.get(&format!("/api/v1/nodes/{node}/snapshot"), secret).await.ok();
    let lines: Vec<Value> = snapshot.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [head, keys @ .., end] = &lines[..] else { panic!("{snapshot:?}") };
    assert!(head["head"]["revision"].as_u64().unwrap() > 0);
    assert_eq!(end["end"], keys.len());
    assert!(keys.iter().all(|line| line["key"]["workspace"] == cast.ours.id.to_string()));
    for key in &cast.keys {
        assert!(!snapshot.text.contains(&key.secret));
        assert!(snapshot.text.contains(&key.id.to_string()));
    }
}
