//! Restrictions to projects, networks, and origins.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, send};
use crate::web_client::WebClient;

async fn restricted(api: &Api, restrictions: Value) -> CreatedKey {
    api.create_key(
        json!({ "name": "narrow", "scopes": ["project", "inference"], "restrictions": restrictions }),
    )
    .await
}

/// Predicts with an unknown model. The status is 404 if the key is allowed.
async fn predict_from(api: &Api, key: &CreatedKey, origin: Option<&str>) -> Answer {
    let path = "/api/v1/predict/classify/mdl_00000000000070008000000000000000";
    let request = api.server.request(Method::POST, path).bearer_auth(&key.secret);
    send(origin.into_iter().fold(request, |request, origin| request.header("origin", origin))).await
}

/// Lists the projects with an additional header.
async fn projects_with(api: &Api, key: &CreatedKey, header: &str, value: &str) -> Answer {
    let request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
    send(request.header(header, value)).await
}

#[tokio::test]
async fn key_restricted_to_projects_is_denied_elsewhere() {
    let api = Api::start().await;
    let (inside, outside) = (api.project("inside").await, api.project("outside").await);
    let key = restricted(&api, json!({ "projects": [inside] })).await;
    assert_eq!(key.body["restrictions"], json!({ "projects": [inside] }));
    assert_eq!(api.projects(&key.secret).await.ok().item_names(), ["inside"]);
    let path = |id: &str| format!("/api/v1/projects/{id}");
    api.server.get(&path(&inside), &key.secret).await.ok();
    api.server.patch(&path(&inside), &key.secret, json!({ "description": "d" })).await.ok();
    api.server.get(&path(&outside), &key.secret).await.assert_problem(403, "outside_key");
    api.server
        .patch(&path(&outside), &key.secret, json!({ "name": "x" }))
        .await
        .assert_problem(403, "outside_key");
    api.server.delete(&path(&outside), &key.secret).await.assert_problem(403, "outside_key");
    let new = json!({ "name": "new", "projectType": "classification" });
    api.server.post("/api/v1/projects", &key.secret, new).await.assert_problem(403, "outside_key");
    let nothing = path("prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f");
    api.server.get(&nothing, &key.secret).await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn project_page_is_full_if_key_covers_few() {
    let api = Api::start().await;
    let mut covered = Vec::new();
    for number in 0..6 {
        let id = api.project(&format!("project {number}")).await;
        if number % 3 == 0 {
            covered.push(id);
        }
    }
    let key = restricted(&api, json!({ "projects": covered })).await;
    let page = api.server.get("/api/v1/projects?limit=2", &key.secret).await.ok();
    assert_eq!(page.item_names(), ["project 3", "project 0"]);
    assert_eq!(page.json()["nextCursor"], Value::Null);
}

#[tokio::test]
async fn project_of_other_workspace_is_not_found() {
    let api = Api::start().await;
    let theirs = WebClient::sign_in(&api.server).await.workspace("Southfield").await;
    let project = theirs.project("theirs").await;
    let key = api.create_key_with(&["project"]).await;
    let path = format!("/api/v1/projects/{project}");
    api.server.get(&path, &key.secret).await.assert_problem(404, "not_found");
    api.server.patch(&path, &key.secret, json!({ "name": "x" })).await.assert_problem(404, "not_found");
    api.server.delete(&path, &key.secret).await.assert_problem(404, "not_found");
    let named = json!({ "name": "n", "scopes": ["project"], "restrictions": { "projects": [project] } });
    api.post("/api/v1/keys", named)
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("restrictions.projects");
}

#[tokio::test]
async fn key_whose_last_project_is_deleted_covers_none() {
    let api = Api::start().await;
    let (only, _other) = (api.project("only").await, api.project("other").await);
    let key = restricted(&api, json!({ "projects": [only] })).await;
    api.delete(&format!("/api/v1/projects/{only}")).await.ok();
    assert!(api.projects(&key.secret).await.ok().item_names().is_empty());
    let none = restricted(&api, json!({ "projects": [] })).await;
    assert_eq!(none.body["restrictions"], json!({ "projects": [] }));
    assert!(api.projects(&none.secret).await.ok().item_names().is_empty());
}

#[tokio::test]
async fn key_restricted_to_networks_is_denied_elsewhere() {
    let api = Api::start().await;
    let key = restricted(&api, json!({ "networks": ["10.4.0.0/16", "2001:db8::/32"] })).await;
    for from in ["10.4.0.17", "2001:db8::7"] {
        projects_with(&api, &key, "x-forwarded-for", from).await.ok();
    }
    for from in ["10.5.0.1", "2001:db9::1", "nonsense"] {
        let denied = projects_with(&api, &key, "x-forwarded-for", from).await;
        assert_eq!(denied.assert_problem(403, "network_not_allowed").json()["key"], key.id, "{from}");
    }
    api.patch(&key.path(), json!({ "restrictions": { "networks": ["10.5.0.0/16"] } })).await.ok();
    projects_with(&api, &key, "x-forwarded-for", "10.5.0.1").await.ok();
    projects_with(&api, &key, "x-forwarded-for", "10.4.0.17")
        .await
        .assert_problem(403, "network_not_allowed");
}

/// The key allows the network of the proxy.
#[tokio::test]
async fn client_with_unreadable_address_is_denied() {
    let api = Api::start().await;
    let key = restricted(&api, json!({ "networks": ["127.0.0.0/8", "10.4.0.0/16"] })).await;
    let from = async |hops: &[u8]| {
        let request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
        send(request.header("x-forwarded-for", hops)).await
    };
    for unreadable in [&b"\xe9"[..], b"", b"unknown", b"[[[10.4.0.1", b"10.4.0.1, \xe9", b"10.4.0.1, unix:"] {
        from(unreadable).await.assert_problem(403, "network_not_allowed");
    }
    from(b"\xe9, 203.0.113.9").await.assert_problem(403, "network_not_allowed");
    from(b"\xe9, 10.4.0.1").await.ok();
    from("é, 10.4.0.1".as_bytes()).await.ok();
}

#[tokio::test]
async fn key_restricted_to_origins_is_denied_elsewhere() {
    let api = Api::start().await;
    let origins = json!({ "origins": ["https://app.example.org", "https://*.example.net"] });
    let key = json!({ "name": "narrow", "scopes": ["inference"], "restrictions": origins });
    let key = api.create_key(key).await;
    for from in ["https://app.example.org", "https://a.example.net"] {
        predict_from(&api, &key, Some(from)).await.assert_problem(404, "not_found");
    }
    for from in
        ["https://example.net", "http://app.example.org", "https://app.example.org.evil.example", "null"]
    {
        predict_from(&api, &key, Some(from)).await.assert_problem(403, "origin_not_allowed");
    }
    predict_from(&api, &key, None).await.assert_problem(403, "origin_not_allowed");
}

#[tokio::test]
async fn unknown_restriction_is_rejected() {
    let api = Api::start().await;
    for unknown in [json!({ "weekdays": ["mon"] }), json!({ "maxVideoBytes": 5 })] {
        let new_key = json!({ "name": "n", "scopes": ["project"], "restrictions": unknown });
        api.post("/api/v1/keys", new_key).await.assert_problem(422, "invalid");
        let key = api.create_key_with(&["project"]).await;
        api.patch(&key.path(), json!({ "restrictions": unknown })).await.assert_problem(422, "invalid");
        assert_eq!(api.read(&key).await["restrictions"], json!({}));
    }
}
