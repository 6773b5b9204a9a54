//! A key is changed, and the next request is decided by what it is now.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, in_millis};
use crate::harness::send;

#[tokio::test]
async fn the_next_request_has_the_new_rights() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    for round in 0..20 {
        desk.projects(&key.secret).await.ok();
        let edited = desk.patch(&key.path(), json!({ "scopes": ["inference"] })).await.ok().json();
        assert_eq!(edited["permissions"], json!(["models:predict"]), "{round}");
        assert_eq!(edited["propagation"]["confirmed"], 1);
        desk.projects(&key.secret).await.refused(403, "insufficient_scope");
        desk.patch(&key.path(), json!({ "scopes": ["project"] })).await.ok();
    }
}

#[tokio::test]
async fn an_edit_based_on_an_older_state_is_refused() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let seen = desk.get(&key.path()).await.header("etag").to_owned();
    let edit = |tag: &str, name: &str| {
        let request = desk.request(Method::PATCH, &key.path()).header("if-match", tag);
        send(request.json(&json!({ "name": name })))
    };
    let first = edit(&seen, "first").await.ok();
    assert_ne!(first.header("etag"), seen);
    edit(&seen, "second").await.refused(412, "changed_meanwhile");
    edit("812", "third").await.refused(422, "invalid").names("If-Match");
    assert_eq!(desk.read(&key).await["name"], "first");
    edit(first.header("etag"), "fourth").await.ok();
    edit(&format!("W/{}", desk.get(&key.path()).await.header("etag")), "weak").await.ok();
    let now = desk.get(&key.path()).await.header("etag").to_owned();
    edit(&format!("{seen}, W/\"1\""), "stale").await.refused(412, "changed_meanwhile");
    edit(&format!("{seen}, {now}"), "listed").await.ok();
    edit("*", "fifth").await.ok();
    assert_eq!(desk.read(&key).await["name"], "fifth");
}

#[tokio::test]
async fn left_out_stays_and_null_takes_away() {
    let desk = Desk::open().await;
    let wanted = json!({ "name": "n", "scopes": ["project"], "note": "old", "expiresAt": in_millis(60_000),
        "restrictions": { "networks": ["10.0.0.0/8"] } });
    let key = desk.make(wanted).await;
    let before = desk.read(&key).await;
    let edited = async |change: Value| desk.patch(&key.path(), change).await.ok().json();
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
async fn an_edit_that_changes_nothing_is_no_change() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let before = desk.read(&key).await["revision"].clone();
    assert_eq!(desk.patch(&key.path(), json!({})).await.ok().json()["revision"], before);
    assert_eq!(
        desk.patch(&key.path(), json!({ "scopes": ["project"] })).await.ok().json()["revision"],
        before
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_nothing_of_it_is_done() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let before = desk.read(&key).await;
    for (change, field) in [
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (json!({ "name": "x", "expiresAt": in_millis(-1_000) }), "expiresAt"),
        (json!({ "name": "x", "restrictions": { "models": ["mdl_x"] } }), "restrictions.models"),
        (json!({ "name": "x", "class": "publishable" }), "class"),
    ] {
        desk.patch(&key.path(), change).await.refused(422, "invalid").names(field);
    }
    assert_eq!(desk.read(&key).await, before);
    let nothing = "/api/v1/keys/key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    desk.patch(nothing, json!({ "name": "x" })).await.refused(404, "not_found");
    desk.delete(&key.path()).await.ok();
    desk.patch(&key.path(), json!({ "name": "x" })).await.refused(409, "deleted_key");
}
