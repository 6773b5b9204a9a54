//! Requests with an idempotency key are applied once.

use reqwest::Method;
use serde_json::json;

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, send, text};

async fn create_key(api: &Api, secret: &str, once: &str) -> Answer {
    let request = api.server.request(Method::POST, "/api/v1/keys").bearer_auth(secret);
    send(request.header("idempotency-key", once).json(&json!({ "name": "once", "scopes": ["inference"] })))
        .await
}

async fn count(api: &Api) -> usize {
    api.get("/api/v1/keys?q=once").await.ok().item_names().len()
}

#[tokio::test]
async fn repeated_creation_names_first_key() {
    let api = Api::start().await;
    let first = CreatedKey::of(create_key(&api, &api.manager_key, "a").await.ok().json());
    let again = create_key(&api, &api.manager_key, "a").await.assert_problem(409, "already_done");
    assert_eq!(text(&again.json()["key"]), first.id);
    assert!(!again.text.contains(&first.secret[6..38]));
    assert_eq!(count(&api).await, 1);
    create_key(&api, &api.manager_key, "b").await.ok();
    assert_eq!(count(&api).await, 2);
}

#[tokio::test]
async fn concurrent_repeated_creations_create_one_key() {
    let api = Api::start().await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let request = api.request(Method::POST, "/api/v1/keys").header("idempotency-key", "x");
        waiting.spawn(send(request.json(&json!({ "name": "once", "scopes": ["inference"] }))));
    }
    let mut statuses: Vec<_> = waiting.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(count(&api).await, 1);
}

#[tokio::test]
async fn idempotency_keys_of_different_callers_do_not_collide() {
    let api = Api::start().await;
    let other = api.create_key_with(&["keys", "inference"]).await;
    let first = CreatedKey::of(create_key(&api, &api.manager_key, "a").await.ok().json());
    let second = CreatedKey::of(create_key(&api, &other.secret, "a").await.ok().json());
    assert_ne!(first.id, second.id);
}

#[tokio::test]
async fn repeated_rotation_is_not_applied_again() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let rotate = async || {
        let request = api.request(Method::POST, &format!("{}/rotate", key.path()));
        send(request.header("idempotency-key", "r").json(&json!({ "gracePeriod": "0s" }))).await
    };
    let new = CreatedKey::of(rotate().await.ok().json());
    assert_eq!(text(&rotate().await.assert_problem(409, "already_done").json()["key"]), key.id);
    api.projects(&new.secret).await.ok();
}

#[tokio::test]
async fn rejected_creation_can_reuse_its_idempotency_key() {
    let api = Api::start().await;
    let request = api.request(Method::POST, "/api/v1/keys").header("idempotency-key", "a");
    send(request.json(&json!({ "name": "", "scopes": ["project"] }))).await.assert_problem(422, "invalid");
    create_key(&api, &api.manager_key, "a").await.ok();
    for wrong in ["", " ", &"n".repeat(201), "é"] {
        create_key(&api, &api.manager_key, wrong)
            .await
            .assert_problem(422, "invalid")
            .assert_field_error("Idempotency-Key");
    }
    assert_eq!(count(&api).await, 1);
}
