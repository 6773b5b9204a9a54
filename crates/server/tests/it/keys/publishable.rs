//! A publishable key holds Inference and nothing else, ever.

use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn a_publishable_key_is_made_with_inference_alone() {
    let desk = Desk::open().await;
    let wanted = |scopes: &[&str]| json!({ "name": "web", "class": "publishable", "scopes": scopes });
    for more in [&["project"][..], &["inference", "project"], &["keys"], &["inference", "keys"]] {
        desk.post("/api/v1/keys", wanted(more)).await.refused(422, "invalid").names("class");
    }
    let key = desk.make(wanted(&["inference"])).await;
    assert!(key.secret.starts_with("kr_pk_"));
    assert_eq!(
        (&key.body["class"], &key.body["permissions"]),
        (&json!("publishable"), &json!(["models:predict"]))
    );
}

#[tokio::test]
async fn no_edit_and_no_rotation_lifts_its_ceiling() {
    let desk = Desk::open().await;
    let key = desk.make(json!({ "name": "web", "class": "publishable", "scopes": ["inference"] })).await;
    for change in [json!({ "scopes": ["project"] }), json!({ "scopes": ["inference", "keys"] })] {
        desk.patch(&key.path(), change).await.refused(422, "invalid").names("class");
    }
    desk.patch(&key.path(), json!({ "class": "secret" })).await.refused(422, "invalid");
    let new = desk.rotate(&key, "0s").await;
    assert!(new.secret.starts_with("kr_pk_"));
    desk.projects(&new.secret).await.refused(403, "insufficient_scope");
}
