//! A key is made, and read afterwards.

use regex::Regex;
use serde_json::{Value, json};

use crate::desk::{Desk, FORM, Made, in_millis};

#[tokio::test]
async fn a_secret_is_in_the_answer_to_its_making_and_in_no_other() {
    let desk = Desk::open().await;
    let wanted = json!({ "name": "  line 3 ", "scopes": ["project", "inference"], "note": "by the door" });
    let answer = desk.post("/api/v1/keys", wanted).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = Made::of(answer.json());
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("location"), made.path());
    assert_eq!(answer.header("etag"), format!("\"{}\"", made.body["revision"]));
    assert_eq!(made.body["propagation"], propagation(&made.body["revision"]));
    assert_eq!(made.body["oldSecretRetiresAt"], Value::Null);

    let form = Regex::new(FORM).unwrap();
    assert_eq!(form.find(&format!("key={}.", made.secret)).unwrap().as_str(), made.secret);
    assert!(made.secret.starts_with("kr_sk_") && made.secret.len() == 44);
    let read = desk.get(answer.header("location")).await.ok();
    assert_eq!(read.header("etag"), answer.header("etag"));
    for other in [read, desk.get("/api/v1/keys").await.ok()] {
        assert!(!form.is_match(&other.text), "{other:?}");
        assert!(!other.text.contains(&made.secret[6..38]));
        assert_eq!(other.header("cache-control"), "no-store");
    }
}

fn propagation(revision: &Value) -> Value {
    json!({ "revision": revision, "nodes": 1, "confirmed": 1, "unconfirmed": [] })
}

#[tokio::test]
async fn a_key_is_what_was_asked_for_and_tells_who_made_it() {
    let desk = Desk::open().await;
    let ends = in_millis(3_600_000);
    let wanted = json!({ "name": "  line 3 ", "scopes": ["inference"], "note": " n ", "expiresAt": ends });
    let made = desk.make(wanted).await;
    let key = desk.read(&made).await;
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
        assert_eq!(made.body[field], is, "{field}");
    }
    assert_eq!(
        time(&key["expiresAt"]).as_microsecond(),
        ends.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    );
    assert_eq!(key["secrets"][0]["hint"], made.secret[40..]);
    assert_eq!((&key["secrets"][0]["retiresAt"], &key["secrets"][1]), (&Value::Null, &Value::Null));
    let makers = desk.get("/api/v1/keys?q=of%20a%20test").await.ok().json();
    assert_eq!(key["createdBy"]["kind"], "key");
    assert_eq!(key["createdBy"]["id"], makers["items"][0]["id"]);
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_made_key_opens_the_api_at_once_and_a_name_may_be_there_twice() {
    let desk = Desk::open().await;
    let (first, second) = (desk.key(&["project"]).await, desk.key(&["project"]).await);
    assert_ne!((&first.id, &first.secret), (&second.id, &second.secret));
    for key in [&first, &second] {
        desk.projects(&key.secret).await.ok();
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_and_no_key_is_made() {
    let desk = Desk::open().await;
    let restricted =
        |restrictions: Value| json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions });
    for (wrong, field) in [
        (json!({ "name": " ", "scopes": ["project"] }), "name"),
        (json!({ "name": "é".repeat(101), "scopes": ["project"] }), "name"),
        (json!({ "name": "n", "scopes": [] }), "scopes"),
        (json!({ "name": "n", "scopes": ["everything"] }), "scopes"),
        (json!({ "name": "n", "scopes": ["inference"], "class": "public" }), "class"),
        (json!({ "name": "n", "scopes": ["project"], "expiresAt": in_millis(-1) }), "expiresAt"),
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
        desk.post("/api/v1/keys", wrong).await.refused(422, "invalid").names(field);
    }
    let keys = desk.get("/api/v1/keys").await.ok().item_names();
    assert_eq!(keys.len(), 1, "the one that asks: {keys:?}");
}
