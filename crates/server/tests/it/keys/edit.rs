//! Editing keys: the next request uses the new values.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, millis_from_now};
use crate::harness::send;

#[tokio::test]
async fn edited_scopes_apply_to_next_request() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    for round in 0..20 {
        api.projects(&key.secret).await.ok();
        let edited = api.patch(&key.path(), json!({ "scopes": ["inference"] })).await.ok().json();
        assert_eq!(edited["permissions"], json!(["models:predict"]), "{round}");
        assert_eq!(edited["propagation"]["confirmed"], 1);
        api.projects(&key.secret).await.assert_problem(403, "insufficient_scope");
        api.patch(&key.path(), json!({ "scopes": ["project"] })).await.ok();
    }
}

#[tokio::test]
async fn edit_with_outdated_etag_is_rejected() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let first_tag = api.get(&key.path()).await.header("etag").to_owned();
    let edit = |tag: &str, name: &str| {
        let request = api.request(Method::PATCH, &key.path()).header("if-match", tag);
        send(request.json(&json!({ "name": name })))
    };
    let first = edit(&first_tag, "first").await.ok();
    assert_ne!(first.header("etag"), first_tag);
    edit(&first_tag, "second").await.assert_problem(412, "changed_meanwhile");
    edit("812", "third").await.assert_problem(422, "invalid").assert_field_error("If-Match");
    assert_eq!(api.read(&key).await["name"], "first");
    edit(first.header("etag"), "fourth").await.ok();
    edit(&format!("W/{}", api.get(&key.path()).await.header("etag")), "weak").await.ok();
    let now = api.get(&key.path()).await.header("etag").to_owned();
    edit(&format!("{first_tag}, W/\"1\""), "stale").await.assert_problem(412, "changed_meanwhile");
    edit(&format!("{first_tag}, {now}"), "listed").await.ok();
    edit("*", "fifth").await.ok();
    assert_eq!(api.read(&key).await["name"], "fifth");
}

#[tokio::test]
async fn edit_keeps_absent_fields_and_clears_null_fields() {
    let api = Api::start().await;
    let new_key = json!({ "name": "n", "scopes": ["project"], "note": "old", "expiresAt": millis_from_now(60_000),
        "restrictions": { "networks": ["10.0.0.0/8"] } });
    let key = api.create_key(new_key).await;
    let before = api.read(&key).await;
    let edited = async |change: Value| api.patch(&key.path(), change).await.ok().json();
    let renamed = edited(json!({ "name": "m" })).await;
    for stays in ["note", "expiresAt", "restrictions", "scopes", "class", "createdAt", "secrets"] {
        assert_eq!(renamed[stays], before[stays], "{stays}");
    }
    assert_eq!(edited(json!({ "note": null })).await["note"], Value::Null);
    assert_eq!(edited(json!({ "note": "new" })).await["note"], "new");
    assert_eq!(edited(json!({ "note": "" })).await["note"], Value::Null);
    assert_eq!(edited(json!({ "expiresAt": null })).await["expiresAt"], Value::Null);
    assert_eq!(edited(json!({ "restrictions": {} })).await["restrictions"], json!({}));
}

#[tokio::test]
async fn edit_without_change_keeps_revision() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let before = api.read(&key).await["revision"].clone();
    assert_eq!(api.patch(&key.path(), json!({})).await.ok().json()["revision"], before);
    assert_eq!(
        api.patch(&key.path(), json!({ "scopes": ["project"] })).await.ok().json()["revision"],
        before
    );
}

#[tokio::test]
async fn invalid_edit_is_rejected_without_change() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let before = api.read(&key).await;
    for (change, field) in [
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (json!({ "name": "x", "expiresAt": millis_from_now(-1_000) }), "expiresAt"),
        (json!({ "name": "x", "restrictions": { "models": ["mdl_x"] } }), "restrictions.models"),
        (json!({ "name": "x", "class": "publishable" }), "class"),
    ] {
        api.patch(&key.path(), change).await.assert_problem(422, "invalid").assert_field_error(field);
    }
    assert_eq!(api.read(&key).await, before);
    let nothing = "/api/v1/keys/key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    api.patch(nothing, json!({ "name": "x" })).await.assert_problem(404, "not_found");
    api.delete(&key.path()).await.ok();
    api.patch(&key.path(), json!({ "name": "x" })).await.assert_problem(409, "deleted_key");
}
