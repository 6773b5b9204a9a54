//! Publishable keys have the scope Inference and no other.

use serde_json::json;

use crate::api::Api;
use crate::web_client::WebClient;

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

#[tokio::test]
async fn publishable_key_is_shown_again_and_secret_key_is_not() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let public =
        api.create_key(json!({ "name": "web", "class": "publishable", "scopes": ["inference"] })).await;
    let secret = api.create_key(json!({ "name": "server", "scopes": ["inference"] })).await;
    let rotated = api.rotate(&public, "1h").await;

    let texts: Vec<_> = api.read(&public).await["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["publishableKey"].clone())
        .collect();
    assert_eq!(texts, [json!(rotated.secret), json!(public.secret)], "the current one is first");
    assert_eq!(api.read(&secret).await["secrets"][0]["publishableKey"], json!(null));

    let list = web.page(&web.keys("")).await.text;
    let page = web.page(&web.keys(&format!("/{}", public.id))).await.text;
    for (place, text) in [("the list", &list), ("the key's page", &page)] {
        assert!(text.contains(&rotated.secret), "{place}: {text}");
        assert!(!text.contains(&public.secret), "{place} shows the current key only");
    }
    let other = web.page(&web.keys(&format!("/{}", secret.id))).await.text;
    assert!(!list.contains(&secret.secret) && !other.contains(&secret.secret));

    let shown = api.server.key_command(&["show", &public.id]).run().await.assert_succeeded().stdout;
    assert!(shown.contains(&rotated.secret) && shown.contains(&public.secret), "{shown}");
    let shown = api.server.key_command(&["show", &secret.id]).run().await.assert_succeeded().stdout;
    assert!(!shown.contains(&secret.secret), "{shown}");
}
