//! The old secret ends before its time, and never outlives its key.

use serde_json::{Value, json};

use crate::desk::{Desk, Made, in_millis};
use crate::harness::{Answer, until};

impl Desk {
    async fn retire(&self, key: &Made) -> Answer {
        self.post(&format!("{}/retire", key.path()), json!({})).await
    }
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

#[tokio::test]
async fn the_old_secret_ends_when_that_is_answered_and_the_new_one_stays() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let new = desk.rotate(&key, "24h").await;
    desk.projects(&key.secret).await.ok();
    let answer = desk.retire(&key).await.ok();
    desk.projects(&key.secret).await.refused(401, "retired_secret");
    desk.projects(&new.secret).await.ok();
    let retired = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", retired["revision"]));
    assert_eq!(retired["propagation"]["confirmed"], 1);
    assert!(time(&retired["secrets"][1]["retiresAt"]) <= jiff::Timestamp::now());
    assert_eq!(retired["secrets"][0]["retiresAt"], Value::Null);
    // Once more is no change, and neither is it where nothing was rotated.
    assert_eq!(desk.retire(&key).await.ok().json()["revision"], retired["revision"]);
    let whole = desk.key(&["project"]).await;
    assert_eq!(desk.retire(&whole).await.ok().json()["revision"], whole.body["revision"]);
    desk.projects(&whole.secret).await.ok();
}

#[tokio::test]
async fn retiring_only_takes_away_so_a_key_may_that_holds_less() {
    let desk = Desk::open().await;
    let (key, weak) = (desk.key(&["project"]).await, desk.key(&["keys"]).await);
    desk.rotate(&key, "24h").await;
    let path = format!("{}/retire", key.path());
    desk.server.post(&path, &key.secret, json!({})).await.refused(403, "insufficient_scope");
    desk.server.post(&path, &weak.secret, json!({})).await.ok();
    desk.projects(&key.secret).await.refused(401, "retired_secret");
    desk.delete(&key.path()).await.ok();
    desk.retire(&key).await.refused(409, "deleted_key");
}

#[tokio::test]
async fn an_expiry_that_is_set_or_brought_forward_during_the_overlap_ends_the_old_secret_too() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let new = desk.rotate(&key, "24h").await;
    let old_ends = async || time(&desk.read(&key).await["secrets"][1]["retiresAt"]);
    let promised = old_ends().await;
    for millis in [3_600_000, 60_000] {
        let expires = in_millis(millis);
        desk.patch(&key.path(), json!({ "expiresAt": expires })).await.ok();
        let expires: jiff::Timestamp = expires.parse().unwrap();
        assert_eq!(old_ends().await.as_microsecond(), expires.as_microsecond());
    }
    assert!(old_ends().await < promised);
    // What was brought forward stays there: a later end of the key is none of the old secret's.
    let brought = old_ends().await;
    desk.patch(&key.path(), json!({ "expiresAt": null })).await.ok();
    assert_eq!(old_ends().await, brought);
    desk.patch(&key.path(), json!({ "expiresAt": in_millis(300) })).await.ok();
    until("it expires", async || (desk.read(&key).await["status"] == "expired").then_some(())).await;
    for secret in [&key.secret, &new.secret] {
        desk.projects(secret).await.refused(401, "expired_key");
    }
    desk.patch(&key.path(), json!({ "expiresAt": null })).await.ok();
    desk.projects(&new.secret).await.ok();
    desk.projects(&key.secret).await.refused(401, "retired_secret");
}
