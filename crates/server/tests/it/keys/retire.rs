//! Retiring the old secret early.

use serde_json::{Value, json};

use crate::api::{Api, CreatedKey, millis_from_now};
use crate::harness::{Answer, wait_until};

impl Api {
    async fn retire(&self, key: &CreatedKey) -> Answer {
        self.post(&format!("{}/retire", key.path()), json!({})).await
    }
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

#[tokio::test]
async fn retired_secret_is_denied_and_new_secret_allowed() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let new = api.rotate(&key, "24h").await;
    api.projects(&key.secret).await.ok();
    let answer = api.retire(&key).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "retired_secret");
    api.projects(&new.secret).await.ok();
    let retired = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", retired["revision"]));
    assert_eq!(retired["propagation"]["confirmed"], 1);
    assert!(time(&retired["secrets"][1]["retiresAt"]) <= jiff::Timestamp::now());
    assert_eq!(retired["secrets"][0]["retiresAt"], Value::Null);
    // A second retirement changes nothing, nor does one without a rotation.
    assert_eq!(api.retire(&key).await.ok().json()["revision"], retired["revision"]);
    let whole = api.create_key_with(&["project"]).await;
    assert_eq!(api.retire(&whole).await.ok().json()["revision"], whole.body["revision"]);
    api.projects(&whole.secret).await.ok();
}

#[tokio::test]
async fn weaker_key_can_retire_old_secret() {
    let api = Api::start().await;
    let (key, weak) = (api.create_key_with(&["project"]).await, api.create_key_with(&["keys"]).await);
    api.rotate(&key, "24h").await;
    let path = format!("{}/retire", key.path());
    api.server.post(&path, &key.secret, json!({})).await.assert_problem(403, "insufficient_scope");
    api.server.post(&path, &weak.secret, json!({})).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "retired_secret");
    api.delete(&key.path()).await.ok();
    api.retire(&key).await.assert_problem(409, "deleted_key");
}

#[tokio::test]
async fn earlier_expiry_during_overlap_ends_old_secret() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let new = api.rotate(&key, "24h").await;
    let old_ends = async || time(&api.read(&key).await["secrets"][1]["retiresAt"]);
    let promised = old_ends().await;
    for millis in [3_600_000, 60_000] {
        let expires = millis_from_now(millis);
        api.patch(&key.path(), json!({ "expiresAt": expires })).await.ok();
        let expires: jiff::Timestamp = expires.parse().unwrap();
        assert_eq!(old_ends().await.as_microsecond(), expires.as_microsecond());
    }
    assert!(old_ends().await < promised);
    // The old secret keeps the earlier end, even if the key's expiry moves later.
    let brought = old_ends().await;
    api.patch(&key.path(), json!({ "expiresAt": null })).await.ok();
    assert_eq!(old_ends().await, brought);
    api.patch(&key.path(), json!({ "expiresAt": millis_from_now(300) })).await.ok();
    wait_until("the key expires", async || (api.read(&key).await["status"] == "expired").then_some(())).await;
    for secret in [&key.secret, &new.secret] {
        api.projects(secret).await.assert_problem(401, "expired_key");
    }
    api.patch(&key.path(), json!({ "expiresAt": null })).await.ok();
    api.projects(&new.secret).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "retired_secret");
}
