//! A key ends, and its history stays.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::send;

#[tokio::test]
async fn when_the_answer_is_there_no_secret_of_the_key_works() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let new = desk.rotate(&key, "24h").await;
    let deleted = desk.delete(&key.path()).await.ok().json();
    for secret in [&key.secret, &new.secret] {
        let answer = desk.projects(secret).await.refused(401, "deleted_key");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{answer:?}");
    }
    let revision = desk.read(&key).await["revision"].clone();
    assert_eq!(
        deleted,
        json!({ "propagation": { "revision": revision, "nodes": 1, "confirmed": 1, "unconfirmed": [] } })
    );
}

#[tokio::test]
async fn a_deleted_key_tells_when_by_whom_and_why() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let before = jiff::Timestamp::now();
    let request = desk.request(Method::DELETE, &key.path()).json(&json!({ "reason": " it leaked " }));
    send(request).await.ok();
    let read = desk.read(&key).await;
    let deleted = &read["deleted"];
    assert_eq!((&read["status"], &deleted["reason"]), (&json!("deleted"), &json!("it leaked")));
    let at: jiff::Timestamp = deleted["at"].as_str().unwrap().parse().unwrap();
    assert!((before..=jiff::Timestamp::now()).contains(&at), "{at}");
    assert_eq!(deleted["by"], key.body["createdBy"]);
    let silent = desk.key(&["project"]).await;
    desk.delete(&silent.path()).await.ok();
    assert_eq!(desk.read(&silent).await["deleted"]["reason"], Value::Null);
}

#[tokio::test]
async fn a_key_is_deleted_once() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let long = desk.request(Method::DELETE, &key.path()).json(&json!({ "reason": "r".repeat(201) }));
    send(long).await.refused(422, "invalid").names("reason");
    desk.projects(&key.secret).await.ok();
    desk.delete(&key.path()).await.ok();
    let first = desk.read(&key).await;
    desk.delete(&key.path()).await.refused(409, "deleted_key");
    assert_eq!(desk.read(&key).await, first);
    desk.delete("/api/v1/keys/key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f").await.refused(404, "not_found");
    desk.delete("/api/v1/keys/nonsense").await.refused(404, "not_found");
}

#[tokio::test]
async fn a_key_may_delete_itself_and_is_gone_then() {
    let desk = Desk::open().await;
    let key = desk.key(&["keys"]).await;
    desk.server.delete(&key.path(), &key.secret).await.ok();
    desk.server.get("/api/v1/keys", &key.secret).await.refused(401, "deleted_key");
}
