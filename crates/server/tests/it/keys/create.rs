//! Creating and reading keys.

use regex::Regex;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey, SECRET_PATTERN, millis_from_now};

#[tokio::test]
async fn secret_is_only_in_creation_response() {
    let api = Api::start().await;
    let new_key = json!({ "name": "  line 3 ", "scopes": ["project", "inference"], "note": "by the door" });
    let answer = api.post("/api/v1/keys", new_key).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let created = CreatedKey::of(answer.json());
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("location"), created.path());
    assert_eq!(answer.header("etag"), format!("\"{}\"", created.body["revision"]));
    assert_eq!(created.body["propagation"], propagation(&created.body["revision"]));
    assert_eq!(created.body["oldSecretRetiresAt"], Value::Null);

    let form = Regex::new(SECRET_PATTERN).unwrap();
    assert_eq!(form.find(&format!("key={}.", created.secret)).unwrap().as_str(), created.secret);
    assert!(created.secret.starts_with("kr_sk_") && created.secret.len() == 44);
    let read = api.get(answer.header("location")).await.ok();
    assert_eq!(read.header("etag"), answer.header("etag"));
    for other in [read, api.get("/api/v1/keys").await.ok()] {
        assert!(!form.is_match(&other.text), "{other:?}");
        assert!(!other.text.contains(&created.secret[6..38]));
        assert_eq!(other.header("cache-control"), "no-store");
    }
}

fn propagation(revision: &Value) -> Value {
    json!({ "revision": revision, "nodes": 1, "confirmed": 1, "unconfirmed": [] })
}

#[tokio::test]
async fn created_key_has_requested_values_and_creator() {
    let api = Api::start().await;
    let ends = millis_from_now(3_600_000);
    let new_key = json!({ "name": "  line 3 ", "scopes": ["inference"], "note": " n ", "expiresAt": ends });
    let created = api.create_key(new_key).await;
    let key = api.read(&created).await;
    for (field, is) in [
        ("name", json!("line 3")),
        ("class", json!("secret")),
        ("scopes", json!(["inference"])),
        ("permissions", json!(["models:predict"])),
        ("restrictions", json!({})),
        ("note", json!("n")),
        ("status", json!("active")),
        ("lastUsed", Value::Null),
        ("deleted", Value::Null),
    ] {
        assert_eq!(key[field], is, "{field}");
        assert_eq!(created.body[field], is, "{field}");
    }
    assert_eq!(
        time(&key["expiresAt"]).as_microsecond(),
        ends.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    );
    assert_eq!(key["secrets"][0]["hint"], created.secret[40..]);
    assert_eq!((&key["secrets"][0]["retiresAt"], &key["secrets"][1]), (&Value::Null, &Value::Null));
    let makers = api.get("/api/v1/keys?q=of%20a%20test").await.ok().json();
    assert_eq!(key["createdBy"]["kind"], "key");
    assert_eq!(key["createdBy"]["id"], makers["items"][0]["id"]);
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn created_key_is_allowed_at_once() {
    let api = Api::start().await;
    let (first, second) = (api.create_key_with(&["project"]).await, api.create_key_with(&["project"]).await);
    assert_ne!((&first.id, &first.secret), (&second.id, &second.secret));
    for key in [&first, &second] {
        api.projects(&key.secret).await.ok();
    }
}

#[tokio::test]
async fn invalid_key_is_rejected_by_field() {
    let api = Api::start().await;
    let restricted =
        |restrictions: Value| json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions });
    for (wrong, field) in [
        (json!({ "name": " ", "scopes": ["project"] }), "name"),
        (json!({ "name": "é".repeat(101), "scopes": ["project"] }), "name"),
        (json!({ "name": "n", "scopes": [] }), "scopes"),
        (json!({ "name": "n", "scopes": ["everything"] }), "scopes"),
        (json!({ "name": "n", "scopes": ["inference"], "class": "public" }), "class"),
        (json!({ "name": "n", "scopes": ["project"], "expiresAt": millis_from_now(-1) }), "expiresAt"),
        (json!({ "name": "n", "scopes": ["project"], "expiresAt": "tomorrow" }), "expiresAt"),
        (json!({ "name": "n", "scopes": ["project"], "note": "n".repeat(501) }), "note"),
        (restricted(json!({ "projects": ["all"] })), "restrictions.projects"),
        (
            restricted(json!({ "projects": ["prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"] })),
            "restrictions.projects",
        ),
        (restricted(json!({ "networks": ["10.0.0.0/33"] })), "restrictions.networks"),
        (restricted(json!({ "origins": ["https://a.example/path"] })), "restrictions.origins"),
    ] {
        api.post("/api/v1/keys", wrong).await.assert_problem(422, "invalid").assert_field_error(field);
    }
    let keys = api.get("/api/v1/keys").await.ok().item_names();
    assert_eq!(keys.len(), 1, "only the manager key exists: {keys:?}");
}
