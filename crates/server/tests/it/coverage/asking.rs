//! Routes that are asked about a key: who gets which answer.

use keyrack::api::{Route, RouteAccess};
use keyrack_key::Scope;
use keyrack_store::Role;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::api_routes;
use crate::cast::{Cast, mistyped, unknown};
use crate::harness::{send, text};

#[tokio::test]
async fn only_whoever_holds_a_key_learns_about_it() {
    let cast = Cast::assemble().await;
    let routes = api_routes().into_iter().filter(|route| route.access == RouteAccess::VerifiesKey);
    let mut asked = 0;
    for route in routes {
        let ask = |workspace: &str| request(&cast, &route, &json!({ "workspace": workspace }));
        let anonymous = send(ask("ours")).await;
        anonymous.problem(401, "missing_key");
        assert_eq!(anonymous.header("www-authenticate"), "Bearer realm=\"keyrack\"");
        // Whoever holds nothing cannot learn which workspaces there are.
        send(ask("nowhere")).await.problem(401, "missing_key");
        for (secret, code) in [
            (&mistyped(), "malformed_key"),
            (&unknown(), "unknown_key"),
            (&cast.their_key, "unknown_key"),
            (&cast.expired, "expired_key"),
            (&cast.deleted, "deleted_key"),
            (&cast.retired, "retired_secret"),
        ] {
            let answer = send(ask("ours").bearer_auth(secret)).await;
            answer.problem(401, code);
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        }
        send(ask("nowhere").bearer_auth(cast.key())).await.problem(401, "unknown_key");
        let both = ask("ours").bearer_auth(cast.key()).header("x-api-key", unknown());
        send(both).await.problem(400, "ambiguous_key");
        let both = ask("ours").bearer_auth(cast.key()).header("cookie", &cast.member(Role::Owner).cookie);
        send(both).await.problem(400, "key_and_cookie");
        send(ask("ours").header("cookie", &cast.member(Role::Owner).cookie))
            .await
            .problem(401, "missing_key");
        let path = format!("/api/v1{}?api-key={}", route.path, cast.key());
        let in_query = cast.server.request(route.method.clone(), &path).json(&json!({ "workspace": "ours" }));
        send(in_query.header("x-keyrack-for-workspace", "ours")).await.problem(400, "key_in_query");
        let known = send(ask("ours").bearer_auth(cast.key())).await;
        assert!(known.status.is_success(), "{known:?}");
        asked += 1;
    }
    assert!(asked > 0);
}

#[tokio::test]
async fn an_answer_about_a_permission_names_what_is_missing_and_where_it_is_changed() {
    let cast = Cast::assemble().await;
    let key = cast.holding(&[Scope::Inference]);
    let body = json!({ "workspace": "ours", "permission": "projects:manage" });
    let says = cast.server.post("/api/v1/verify", &key.secret, body).await.problem(403, "insufficient_scope");
    assert_eq!(says["permission"], "projects:manage");
    assert_eq!(says["scopes"], json!(["project"]));
    assert_eq!(says["key"], key.id.to_string());
    assert_eq!(says["manage_url"], format!("{}/keys/{}", cast.server.url, key.id));
}

#[tokio::test]
async fn what_a_key_is_restricted_by_and_the_question_leaves_out_counts_as_not_allowed() {
    let cast = Cast::assemble().await;
    let restricted = async |restrictions: Value| {
        let body = json!({ "name": "narrow", "scopes": ["project"], "restrictions": restrictions });
        let made = cast.server.post("/api/v1/keys", cast.key(), body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["secret"].as_str().unwrap().to_owned()
    };
    let forward = async |key: &str| {
        let request = cast.server.request(reqwest::Method::GET, "/api/v1/forward-auth").bearer_auth(key);
        send(request.header("x-keyrack-for-workspace", "ours")).await
    };
    let node = &cast.holding(&[Scope::Node]).secret;
    let verify = async |key: &str, more: Value| {
        let mut body = json!({ "workspace": "ours" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cast.server.verify_as_service(node, key, body).await
    };
    let project = cast.ours.project.to_string();
    let key = restricted(json!({ "projects": [project] })).await;
    assert_eq!(verify(&key, json!({ "project": project })).await.status, 200);
    verify(&key, json!({})).await.problem(403, "outside_key");
    forward(&key).await.problem(403, "outside_key");
    verify(&key, json!({ "project": cast.theirs.project.to_string() })).await.problem(403, "outside_key");
    let key = restricted(json!({ "networks": ["10.4.0.0/16"] })).await;
    assert_eq!(verify(&key, json!({ "ip": "10.4.1.1" })).await.status, 200);
    verify(&key, json!({})).await.problem(403, "network_not_allowed");
    let page = json!({ "name": "page", "scopes": ["inference"], "restrictions": { "origins": ["https://app.example.org"] } });
    let key = text(&cast.server.post("/api/v1/keys", cast.key(), page).await.json()["secret"]);
    assert_eq!(verify(&key, json!({ "origin": "https://app.example.org" })).await.status, 200);
    verify(&key, json!({})).await.problem(403, "origin_not_allowed");
}

fn request(cast: &Cast, route: &Route, body: &Value) -> RequestBuilder {
    // A program says it in its body, a proxy in a header.
    let workspace = body["workspace"].as_str().unwrap();
    let request = cast.server.request(route.method.clone(), &format!("/api/v1{}", route.path));
    request.header("x-keyrack-for-workspace", workspace).json(body)
}
