//! A key ends by itself.

use serde_json::{Value, json};

use crate::desk::{Desk, in_millis};
use crate::harness::until;

#[tokio::test]
async fn a_key_is_refused_from_the_moment_it_expires_and_not_before() {
    let desk = Desk::open().await;
    let ends = in_millis(1_500);
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "expiresAt": ends })).await;
    let ends: jiff::Timestamp = ends.parse().unwrap();
    until("it expires", async || {
        let asked = jiff::Timestamp::now();
        let answer = desk.projects(&key.secret).await;
        let answered = jiff::Timestamp::now();
        if answer.status == 200 {
            assert!(asked < ends, "let through after its end");
            return None;
        }
        assert!(answered >= ends, "refused before its end");
        answer.refused(401, "expired_key");
        Some(())
    })
    .await;
    assert_eq!(desk.read(&key).await["status"], "expired");
}

#[tokio::test]
async fn an_expired_key_lives_again_with_a_later_end_and_may_be_renamed_without() {
    let desk = Desk::open().await;
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "expiresAt": in_millis(200) })).await;
    until("it expires", async || (desk.projects(&key.secret).await.status == 401).then_some(())).await;
    desk.patch(&key.path(), json!({ "name": "m" })).await.ok();
    desk.projects(&key.secret).await.refused(401, "expired_key");
    desk.patch(&key.path(), json!({ "expiresAt": in_millis(60_000) })).await.ok();
    desk.projects(&key.secret).await.ok();
    let edited = desk.patch(&key.path(), json!({ "expiresAt": null })).await.ok().json();
    assert_eq!((&edited["expiresAt"], &edited["status"]), (&Value::Null, &json!("active")));
}
