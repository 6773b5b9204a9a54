//! Publishable keys have the scope Inference and no other.

use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn publishable_key_with_other_scopes_is_rejected() {
    let api = Api::start().await;
    let new_key = |scopes: &[&str]| json!({ "name": "web", "class": "publishable", "scopes": scopes });
    for more in [&["project"][..], &["inference", "project"], &["keys"], &["inference", "keys"]] {
        api.post("/api/v1/keys", new_key(more))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error("class");
    }
    let key = api.create_key(new_key(&["inference"])).await;
    assert!(key.secret.starts_with("kr_pk_"));
    assert_eq!(
        (&key.body["class"], &key.body["permissions"]),
        (&json!("publishable"), &json!(["models:predict"]))
    );
}

#[tokio::test]
async fn publishable_key_edit_and_rotation_keep_inference_only() {
    let api = Api::start().await;
    let key = api.create_key(json!({ "name": "web", "class": "publishable", "scopes": ["inference"] })).await;
    for change in [json!({ "scopes": ["project"] }), json!({ "scopes": ["inference", "keys"] })] {
        api.patch(&key.path(), change).await.assert_problem(422, "invalid").assert_field_error("class");
    }
    api.patch(&key.path(), json!({ "class": "secret" })).await.assert_problem(422, "invalid");
    let new = api.rotate(&key, "0s").await;
    assert!(new.secret.starts_with("kr_pk_"));
    api.projects(&new.secret).await.assert_problem(403, "insufficient_scope");
}
