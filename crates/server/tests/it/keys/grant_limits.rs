//! A key with the scope Keys cannot grant more than its own permissions.

use serde_json::{Value, json};

use crate::api::{Api, CreatedKey, millis_from_now};

/// Creates a key that manages keys, with the restrictions in `held`.
async fn manager(api: &Api, held: Value) -> CreatedKey {
    let mut new_key = json!({ "name": "manager", "scopes": ["keys", "inference"] });
    new_key.as_object_mut().unwrap().extend(held.as_object().unwrap().clone());
    api.create_key(new_key).await
}

/// Tries to create such a key, to edit one, and to rotate one: all are denied.
async fn assert_cannot_grant(api: &Api, by: &CreatedKey, wider: Value) {
    let server = &api.server;
    server.post("/api/v1/keys", &by.secret, wider.clone()).await.assert_problem(403, "beyond_key");
    let target = api.create_key(wider.clone()).await;
    server
        .patch(&target.path(), &by.secret, json!({ "name": "mine" }))
        .await
        .assert_problem(403, "beyond_key");
    let rotate = format!("{}/rotate", target.path());
    server.post(&rotate, &by.secret, json!({ "gracePeriod": "0s" })).await.assert_problem(403, "beyond_key");
    assert_eq!(api.read(&target).await["revision"], target.body["revision"]);
    // Deletion is always allowed.
    server.delete(&target.path(), &by.secret).await.ok();
}

#[tokio::test]
async fn key_cannot_grant_more_scopes_than_its_own() {
    let api = Api::start().await;
    let by = manager(&api, json!({})).await;
    assert_cannot_grant(&api, &by, json!({ "name": "n", "scopes": ["project"] })).await;
    assert_cannot_grant(&api, &by, json!({ "name": "n", "scopes": ["project", "inference"] })).await;
    let own = api.create_key_as(&by.secret, json!({ "name": "n", "scopes": ["inference"] })).await;
    let widened = json!({ "scopes": ["inference", "project"] });
    api.server.patch(&own.path(), &by.secret, widened).await.assert_problem(403, "beyond_key");
    api.server.patch(&own.path(), &by.secret, json!({ "scopes": ["inference", "keys"] })).await.ok();
}

#[tokio::test]
async fn key_cannot_grant_fewer_restrictions_than_its_own() {
    let api = Api::start().await;
    let by = manager(&api, json!({ "restrictions": { "networks": ["127.0.0.0/8"] } })).await;
    let new_key =
        |restrictions: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    assert_cannot_grant(&api, &by, new_key(json!({}))).await;
    assert_cannot_grant(&api, &by, new_key(json!({ "networks": ["126.0.0.0/7"] }))).await;
    assert_cannot_grant(&api, &by, new_key(json!({ "networks": ["127.0.0.1/32", "10.0.0.0/8"] }))).await;
    let own = api.create_key_as(&by.secret, new_key(json!({ "networks": ["127.0.0.1/32"] }))).await;
    for wider in [json!({}), json!({ "networks": ["0.0.0.0/0"] })] {
        let change = json!({ "restrictions": wider });
        api.server.patch(&own.path(), &by.secret, change).await.assert_problem(403, "beyond_key");
    }
    api.server
        .patch(&own.path(), &by.secret, json!({ "restrictions": { "networks": ["127.0.0.0/8"] } }))
        .await
        .ok();
}

#[tokio::test]
async fn key_cannot_grant_more_projects_than_its_own() {
    let api = Api::start().await;
    let (own, other) = (api.project("mine").await, api.project("other").await);
    let by = manager(&api, json!({ "restrictions": { "projects": [own] } })).await;
    let new_key = |projects: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": { "projects": projects } });
    assert_cannot_grant(&api, &by, new_key(json!([other]))).await;
    assert_cannot_grant(&api, &by, new_key(json!([own, other]))).await;
    assert_cannot_grant(&api, &by, json!({ "name": "n", "scopes": ["inference"] })).await;
    api.create_key_as(&by.secret, new_key(json!([own]))).await;
    api.create_key_as(&by.secret, new_key(json!([]))).await;
}

#[tokio::test]
async fn key_cannot_grant_later_expiry_than_its_own() {
    let api = Api::start().await;
    let by = manager(&api, json!({ "expiresAt": millis_from_now(600_000) })).await;
    assert_cannot_grant(&api, &by, json!({ "name": "n", "scopes": ["inference"] })).await;
    assert_cannot_grant(
        &api,
        &by,
        json!({ "name": "n", "scopes": ["inference"], "expiresAt": millis_from_now(900_000) }),
    )
    .await;
    let new_key = json!({ "name": "n", "scopes": ["inference"], "expiresAt": millis_from_now(300_000) });
    let own = api.create_key_as(&by.secret, new_key).await;
    let change = json!({ "expiresAt": null });
    api.server.patch(&own.path(), &by.secret, change).await.assert_problem(403, "beyond_key");
    api.server
        .patch(&by.path(), &by.secret, json!({ "expiresAt": millis_from_now(900_000) }))
        .await
        .assert_problem(403, "beyond_key");
}

#[tokio::test]
async fn narrowed_key_grants_less_from_next_request() {
    let api = Api::start().await;
    let by = manager(&api, json!({})).await;
    api.patch(&by.path(), json!({ "scopes": ["keys"] })).await.ok();
    let new_key = json!({ "name": "n", "scopes": ["inference"] });
    api.server.post("/api/v1/keys", &by.secret, new_key).await.assert_problem(403, "beyond_key");
}
