//! A key gets a new secret, and the old one its end.

use serde_json::{Value, json};

use crate::desk::{Desk, in_millis};
use crate::harness::until;

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn without_an_overlap_the_old_secret_ends_at_once() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let answer = desk.post(&format!("{}/rotate", key.path()), json!({ "gracePeriod": "0s" })).await.ok();
    assert_eq!(answer.header("cache-control"), "no-store");
    let new = crate::desk::Made::of(answer.json());
    assert_eq!(new.id, key.id);
    desk.projects(&key.secret).await.refused(401, "retired_secret");
    desk.projects(&new.secret).await.ok();
}

#[tokio::test]
async fn within_the_overlap_both_work_and_the_answer_says_until_when() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let before = jiff::Timestamp::now();
    let new = desk.rotate(&key, "24h").await;
    let retires = time(&new.body["oldSecretRetiresAt"]);
    let day = jiff::SignedDuration::from_hours(24);
    assert!((before + day..=jiff::Timestamp::now() + day).contains(&retires), "{retires}");
    for secret in [&key.secret, &new.secret] {
        desk.projects(secret).await.ok();
    }
    let hints = |key: &Value| {
        key["secrets"].as_array().unwrap().iter().map(|one| one["hint"].clone()).collect::<Vec<_>>()
    };
    let read = desk.read(&key).await;
    assert_eq!(hints(&read), [&new.secret[40..], &key.secret[40..]]);
    assert_eq!(
        (&read["secrets"][0]["retiresAt"], time(&read["secrets"][1]["retiresAt"])),
        (&Value::Null, retires)
    );
}

#[tokio::test]
async fn rotating_again_ends_the_oldest_at_once() {
    let desk = Desk::open().await;
    let first = desk.key(&["project"]).await;
    let second = desk.rotate(&first, "24h").await;
    let third = desk.rotate(&first, "24h").await;
    desk.projects(&first.secret).await.refused(401, "retired_secret");
    desk.projects(&second.secret).await.ok();
    desk.projects(&third.secret).await.ok();
}

#[tokio::test]
async fn an_old_secret_ends_when_its_overlap_is_over() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let new = desk.rotate(&key, "1s").await;
    until("the overlap is over", async || (desk.projects(&key.secret).await.status == 401).then_some(()))
        .await;
    assert!(time(&new.body["oldSecretRetiresAt"]) <= jiff::Timestamp::now());
    desk.projects(&key.secret).await.refused(401, "retired_secret");
    desk.projects(&new.secret).await.ok();
}

#[tokio::test]
async fn no_secret_outlives_its_key() {
    let desk = Desk::open().await;
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "expiresAt": in_millis(60_000) })).await;
    let new = desk.rotate(&key, "24h").await;
    assert_eq!(new.body["oldSecretRetiresAt"], new.body["expiresAt"]);
}

#[tokio::test]
async fn an_expired_and_a_deleted_key_get_no_new_secret() {
    let desk = Desk::open().await;
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "expiresAt": in_millis(200) })).await;
    until("it expires", async || (desk.read(&key).await["status"] == "expired").then_some(())).await;
    let rotate = format!("{}/rotate", key.path());
    desk.post(&rotate, json!({ "gracePeriod": "0s" })).await.refused(422, "invalid");
    assert_eq!(desk.read(&key).await["secrets"].as_array().unwrap().len(), 1);
    desk.delete(&key.path()).await.ok();
    desk.post(&rotate, json!({ "gracePeriod": "0s" })).await.refused(409, "deleted_key");
}

#[tokio::test]
async fn an_overlap_is_a_span_of_at_most_30_days() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let rotate = format!("{}/rotate", key.path());
    for wrong in ["", "a day", "-1h", "31d", "2592001s", "99999999999999999999d"] {
        desk.post(&rotate, json!({ "gracePeriod": wrong }))
            .await
            .refused(422, "invalid")
            .names("gracePeriod");
    }
    desk.post(&rotate, json!({})).await.refused(422, "invalid");
    desk.projects(&key.secret).await.ok();
    desk.rotate(&key, "30d").await;
}
