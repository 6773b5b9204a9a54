//! Routes that verify a key: which caller gets which response.

use keyrack::api::{Route, RouteAccess};
use keyrack_key::Scope;
use keyrack_store::Role;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::api_routes;
use crate::fixtures::{AccessFixture, mistyped_secret, unknown_secret};
use crate::harness::{send, text};

#[tokio::test]
async fn verify_without_the_key_reveals_nothing() {
    let fixture = AccessFixture::start().await;
    let routes = api_routes().into_iter().filter(|route| route.access == RouteAccess::VerifiesKey);
    let mut checked = 0;
    for route in routes {
        let ask = |workspace: &str| request(&fixture, &route, &json!({ "workspace": workspace }));
        let anonymous = send(ask("ours")).await;
        anonymous.problem(401, "missing_key");
        assert_eq!(anonymous.header("www-authenticate"), "Bearer realm=\"keyrack\"");
        // Without a key, a caller cannot learn which workspaces exist.
        send(ask("nowhere")).await.problem(401, "missing_key");
        for (secret, code) in [
            (&mistyped_secret(), "malformed_key"),
            (&unknown_secret(), "unknown_key"),
            (&fixture.their_key, "unknown_key"),
            (&fixture.expired, "expired_key"),
            (&fixture.deleted, "deleted_key"),
            (&fixture.retired, "retired_secret"),
        ] {
            let answer = send(ask("ours").bearer_auth(secret)).await;
            answer.problem(401, code);
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        }
        send(ask("nowhere").bearer_auth(fixture.key())).await.problem(401, "unknown_key");
        let both = ask("ours").bearer_auth(fixture.key()).header("x-api-key", unknown_secret());
        send(both).await.problem(400, "ambiguous_key");
        let both =
            ask("ours").bearer_auth(fixture.key()).header("cookie", &fixture.member(Role::Owner).cookie);
        send(both).await.problem(400, "key_and_cookie");
        send(ask("ours").header("cookie", &fixture.member(Role::Owner).cookie))
            .await
            .problem(401, "missing_key");
        let path = format!("/api/v1{}?api-key={}", route.path, fixture.key());
        let in_query =
            fixture.server.request(route.method.clone(), &path).json(&json!({ "workspace": "ours" }));
        send(in_query.header("x-keyrack-for-workspace", "ours")).await.problem(400, "key_in_query");
        let known = send(ask("ours").bearer_auth(fixture.key())).await;
        assert!(known.status.is_success(), "{known:?}");
        checked += 1;
    }
    assert!(checked > 0);
}

#[tokio::test]
async fn verify_denial_names_missing_permission_and_manage_url() {
    let fixture = AccessFixture::start().await;
    let key = fixture.key_with_scopes(&[Scope::Inference]);
    let body = json!({ "workspace": "ours", "permission": "projects:manage" });
    let response =
        fixture.server.post("/api/v1/verify", &key.secret, body).await.problem(403, "insufficient_scope");
    assert_eq!(response["permission"], "projects:manage");
    assert_eq!(response["scopes"], json!(["project"]));
    assert_eq!(response["key"], key.id.to_string());
    assert_eq!(response["manage_url"], format!("{}/keys/{}", fixture.server.url, key.id));
}

#[tokio::test]
async fn verify_without_restricted_fact_is_denied() {
    let fixture = AccessFixture::start().await;
    let restricted = async |restrictions: Value| {
        let body = json!({ "name": "narrow", "scopes": ["project"], "restrictions": restrictions });
        let created = fixture.server.post("/api/v1/keys", fixture.key(), body).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.json()["secret"].as_str().unwrap().to_owned()
    };
    let forward = async |key: &str| {
        let request = fixture.server.request(reqwest::Method::GET, "/api/v1/forward-auth").bearer_auth(key);
        send(request.header("x-keyrack-for-workspace", "ours")).await
    };
    let node = &fixture.key_with_scopes(&[Scope::Node]).secret;
    let verify = async |key: &str, more: Value| {
        let mut body = json!({ "workspace": "ours" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fixture.server.verify_as_service(node, key, body).await
    };
    let project = fixture.ours.project.to_string();
    let key = restricted(json!({ "projects": [project] })).await;
    assert_eq!(verify(&key, json!({ "project": project })).await.status, 200);
    verify(&key, json!({})).await.problem(403, "outside_key");
    forward(&key).await.problem(403, "outside_key");
    verify(&key, json!({ "project": fixture.theirs.project.to_string() })).await.problem(403, "outside_key");
    let key = restricted(json!({ "networks": ["10.4.0.0/16"] })).await;
    assert_eq!(verify(&key, json!({ "ip": "10.4.1.1" })).await.status, 200);
    verify(&key, json!({})).await.problem(403, "network_not_allowed");
    let page = json!({ "name": "page", "scopes": ["inference"], "restrictions": { "origins": ["https://app.example.org"] } });
    let key = text(&fixture.server.post("/api/v1/keys", fixture.key(), page).await.json()["secret"]);
    assert_eq!(verify(&key, json!({ "origin": "https://app.example.org" })).await.status, 200);
    verify(&key, json!({})).await.problem(403, "origin_not_allowed");
}

fn request(fixture: &AccessFixture, route: &Route, body: &Value) -> RequestBuilder {
    // Programs name the workspace in the body, proxies in a header.
    let workspace = body["workspace"].as_str().unwrap();
    let request = fixture.server.request(route.method.clone(), &format!("/api/v1{}", route.path));
    request.header("x-keyrack-for-workspace", workspace).json(body)
}
