//! Rotating keys.

use serde_json::{Value, json};

use crate::api::{Api, millis_from_now};
use crate::harness::wait_until;

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn rotation_without_grace_period_retires_old_secret() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let answer = api.post(&format!("{}/rotate", key.path()), json!({ "gracePeriod": "0s" })).await.ok();
    assert_eq!(answer.header("cache-control"), "no-store");
    let new = crate::api::CreatedKey::of(answer.json());
    assert_eq!(new.id, key.id);
    api.projects(&key.secret).await.assert_problem(401, "retired_secret");
    api.projects(&new.secret).await.ok();
}

#[tokio::test]
async fn both_secrets_are_allowed_during_grace_period() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let before = jiff::Timestamp::now();
    let new = api.rotate(&key, "24h").await;
    let retires = time(&new.body["oldSecretRetiresAt"]);
    let day = jiff::SignedDuration::from_hours(24);
    assert!((before + day..=jiff::Timestamp::now() + day).contains(&retires), "{retires}");
    for secret in [&key.secret, &new.secret] {
        api.projects(secret).await.ok();
    }
    let hints = |key: &Value| {
        key["secrets"].as_array().unwrap().iter().map(|one| one["hint"].clone()).collect::<Vec<_>>()
    };
    let read = api.read(&key).await;
    assert_eq!(hints(&read), [&new.secret[40..], &key.secret[40..]]);
    assert_eq!(
        (&read["secrets"][0]["retiresAt"], time(&read["secrets"][1]["retiresAt"])),
        (&Value::Null, retires)
    );
}

#[tokio::test]
async fn second_rotation_retires_oldest_secret() {
    let api = Api::start().await;
    let first = api.create_key_with(&["project"]).await;
    let second = api.rotate(&first, "24h").await;
    let third = api.rotate(&first, "24h").await;
    api.projects(&first.secret).await.assert_problem(401, "retired_secret");
    api.projects(&second.secret).await.ok();
    api.projects(&third.secret).await.ok();
}

#[tokio::test]
async fn old_secret_is_denied_after_grace_period() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let new = api.rotate(&key, "1s").await;
    wait_until("the grace period has ended", async || {
        (api.projects(&key.secret).await.status == 401).then_some(())
    })
    .await;
    assert!(time(&new.body["oldSecretRetiresAt"]) <= jiff::Timestamp::now());
    api.projects(&key.secret).await.assert_problem(401, "retired_secret");
    api.projects(&new.secret).await.ok();
}

#[tokio::test]
async fn old_secret_retires_no_later_than_key_expiry() {
    let api = Api::start().await;
    let key = api
        .create_key(json!({ "name": "n", "scopes": ["project"], "expiresAt": millis_from_now(60_000) }))
        .await;
    let new = api.rotate(&key, "24h").await;
    assert_eq!(new.body["oldSecretRetiresAt"], new.body["expiresAt"]);
}

#[tokio::test]
async fn expired_or_deleted_key_cannot_be_rotated() {
    let api = Api::start().await;
    let key = api
        .create_key(json!({ "name": "n", "scopes": ["project"], "expiresAt": millis_from_now(200) }))
        .await;
    wait_until("the key expires", async || (api.read(&key).await["status"] == "expired").then_some(())).await;
    let rotate = format!("{}/rotate", key.path());
    api.post(&rotate, json!({ "gracePeriod": "0s" })).await.assert_problem(422, "invalid");
    assert_eq!(api.read(&key).await["secrets"].as_array().unwrap().len(), 1);
    api.delete(&key.path()).await.ok();
    api.post(&rotate, json!({ "gracePeriod": "0s" })).await.assert_problem(409, "deleted_key");
}

#[tokio::test]
async fn grace_period_over_30_days_is_rejected() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let rotate = format!("{}/rotate", key.path());
    for wrong in ["", "a day", "-1h", "31d", "2592001s", "99999999999999999999d"] {
        api.post(&rotate, json!({ "gracePeriod": wrong }))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error("gracePeriod");
    }
    api.post(&rotate, json!({})).await.assert_problem(422, "invalid");
    api.projects(&key.secret).await.ok();
    api.rotate(&key, "30d").await;
}
