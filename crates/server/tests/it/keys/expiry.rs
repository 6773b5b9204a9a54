//! Keys that expire.

use serde_json::{Value, json};

use crate::api::{Api, millis_from_now};
use crate::harness::wait_until;

#[tokio::test]
async fn expired_key_is_denied_exactly_from_expiry() {
    let api = Api::start().await;
    let ends = millis_from_now(1_500);
    let key = api.create_key(json!({ "name": "n", "scopes": ["project"], "expiresAt": ends })).await;
    let ends: jiff::Timestamp = ends.parse().unwrap();
    wait_until("the key expires", async || {
        let sent_at = jiff::Timestamp::now();
        let answer = api.projects(&key.secret).await;
        let received_at = jiff::Timestamp::now();
        if answer.status == 200 {
            assert!(sent_at < ends, "allowed after its expiry");
            return None;
        }
        assert!(received_at >= ends, "denied before its expiry");
        answer.assert_problem(401, "expired_key");
        Some(())
    })
    .await;
    assert_eq!(api.read(&key).await["status"], "expired");
}

#[tokio::test]
async fn expired_key_with_later_expiry_is_allowed_again() {
    let api = Api::start().await;
    let key = api
        .create_key(json!({ "name": "n", "scopes": ["project"], "expiresAt": millis_from_now(200) }))
        .await;
    wait_until("the key expires", async || (api.projects(&key.secret).await.status == 401).then_some(()))
        .await;
    api.patch(&key.path(), json!({ "name": "m" })).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "expired_key");
    api.patch(&key.path(), json!({ "expiresAt": millis_from_now(60_000) })).await.ok();
    api.projects(&key.secret).await.ok();
    let edited = api.patch(&key.path(), json!({ "expiresAt": null })).await.ok().json();
    assert_eq!((&edited["expiresAt"], &edited["status"]), (&Value::Null, &json!("active")));
}
