//! Deleting keys.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::send;

#[tokio::test]
async fn deleted_key_is_denied_with_each_secret() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let new = api.rotate(&key, "24h").await;
    let deleted = api.delete(&key.path()).await.ok().json();
    for secret in [&key.secret, &new.secret] {
        let answer = api.projects(secret).await.assert_problem(401, "deleted_key");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{answer:?}");
    }
    let revision = api.read(&key).await["revision"].clone();
    assert_eq!(
        deleted,
        json!({ "propagation": { "revision": revision, "nodes": 1, "confirmed": 1, "unconfirmed": [] } })
    );
}

#[tokio::test]
async fn deleted_key_shows_time_actor_and_reason() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let before = jiff::Timestamp::now();
    let request = api.request(Method::DELETE, &key.path()).json(&json!({ "reason": " it leaked " }));
    send(request).await.ok();
    let read = api.read(&key).await;
    let deleted = &read["deleted"];
    assert_eq!((&read["status"], &deleted["reason"]), (&json!("deleted"), &json!("it leaked")));
    let at: jiff::Timestamp = deleted["at"].as_str().unwrap().parse().unwrap();
    assert!((before..=jiff::Timestamp::now()).contains(&at), "{at}");
    assert_eq!(deleted["by"], key.body["createdBy"]);
    let silent = api.create_key_with(&["project"]).await;
    api.delete(&silent.path()).await.ok();
    assert_eq!(api.read(&silent).await["deleted"]["reason"], Value::Null);
}

#[tokio::test]
async fn second_deletion_of_key_is_rejected() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let long = api.request(Method::DELETE, &key.path()).json(&json!({ "reason": "r".repeat(201) }));
    send(long).await.assert_problem(422, "invalid").assert_field_error("reason");
    api.projects(&key.secret).await.ok();
    api.delete(&key.path()).await.ok();
    let first = api.read(&key).await;
    api.delete(&key.path()).await.assert_problem(409, "deleted_key");
    assert_eq!(api.read(&key).await, first);
    api.delete("/api/v1/keys/key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f").await.assert_problem(404, "not_found");
    api.delete("/api/v1/keys/nonsense").await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn key_deletes_itself_and_is_denied() {
    let api = Api::start().await;
    let key = api.create_key_with(&["keys"]).await;
    api.server.delete(&key.path(), &key.secret).await.ok();
    api.server.get("/api/v1/keys", &key.secret).await.assert_problem(401, "deleted_key");
}
