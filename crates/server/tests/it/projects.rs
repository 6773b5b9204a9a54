//! Project routes: who is allowed and what is valid.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{Answer, send, text};

fn new_project(name: &str) -> Value {
    json!({ "name": name, "projectType": "object_detection", "description": "round ones" })
}

/// Sends one request to each project route, with `secret` or without a key.
async fn every_call(api: &Api, secret: Option<&str>) -> Vec<Answer> {
    let project = format!("/api/v1/projects/{}", api.project("there").await);
    let calls = [
        (Method::GET, "/api/v1/projects", Value::Null),
        (Method::POST, "/api/v1/projects", new_project("new")),
        (Method::GET, &project, Value::Null),
        (Method::PATCH, &project, json!({ "name": "renamed" })),
        (Method::DELETE, &project, Value::Null),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in calls {
        let mut request = api.server.request(method, path);
        if let Some(secret) = secret {
            request = request.header("x-api-key", secret);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        answers.push(send(request).await);
    }
    answers
}

#[tokio::test]
async fn project_key_is_allowed_on_every_project_route() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let statuses: Vec<_> =
        every_call(&api, Some(&key.secret)).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [200, 201, 200, 200, 204]);
}

#[tokio::test]
async fn inference_key_is_denied_with_missing_permission() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let manage = format!("{}/keys/{}", api.server.url, key.id);
    for answer in every_call(&api, Some(&key.secret)).await {
        let answer = answer.assert_problem(403, "insufficient_scope");
        let body = answer.json();
        assert_eq!((&body["permission"], &body["scopes"]), (&json!("projects:manage"), &json!(["project"])));
        assert_eq!((text(&body["key"]), text(&body["manage_url"])), (key.id.clone(), manage.clone()));
        assert!(text(&body["message"]).contains("projects:manage"), "{body}");
        let challenge = "Bearer realm=\"keyrack\", error=\"insufficient_scope\", scope=\"project\"";
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(text(&body["request_id"]), answer.header("x-request-id"));
    }
}

#[tokio::test]
async fn project_routes_without_key_are_denied() {
    let api = Api::start().await;
    for answer in every_call(&api, None).await {
        let answer = answer.assert_problem(401, "missing_key");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"keyrack\"");
    }
    assert_eq!(api.get("/api/v1/projects").await.ok().item_names(), ["there"]);
}

#[tokio::test]
async fn created_project_has_requested_values() {
    let api = Api::start().await;
    let created = api.post("/api/v1/projects", new_project(" Bottle caps ")).await;
    assert_eq!(created.status, 201, "{created:?}");
    let project = created.json();
    let expected = ["name", "projectType", "description"].map(|field| text(&project[field]));
    assert_eq!(expected, ["Bottle caps", "object_detection", "round ones"]);
    assert_eq!(created.header("location"), format!("/api/v1/projects/{}", text(&project["id"])));
    assert_eq!(api.get(created.header("location")).await.ok().json(), project);
    assert_eq!(api.get(&format!("{}/", created.header("location"))).await.ok().json(), project);
}

#[tokio::test]
async fn project_name_is_unique_ignoring_case() {
    let api = Api::start().await;
    let first = format!("/api/v1/projects/{}", api.project("Größe").await);
    let other = format!("/api/v1/projects/{}", api.project("Other").await);
    for taken in ["Größe", "GRÖßE", " größe "] {
        api.post("/api/v1/projects", new_project(taken)).await.assert_problem(409, "name_taken");
        api.patch(&other, json!({ "name": taken })).await.assert_problem(409, "name_taken");
    }
    api.patch(&first, json!({ "name": "größe" })).await.ok();
    api.patch(&first, json!({ "name": "Width" })).await.ok();
    api.patch(&other, json!({ "name": "Größe" })).await.ok();
}

#[tokio::test]
async fn project_is_edited_except_its_type() {
    let api = Api::start().await;
    let project = format!("/api/v1/projects/{}", api.project("a").await);
    let renamed = api.patch(&project, json!({ "name": "b" })).await.ok().json();
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("b"), &Value::Null));
    assert_eq!(api.patch(&project, json!({ "description": "d" })).await.ok().json()["description"], "d");
    assert_eq!(api.patch(&project, json!({ "name": "c" })).await.ok().json()["description"], "d");
    assert_eq!(
        api.patch(&project, json!({ "description": "" })).await.ok().json()["description"],
        Value::Null
    );
    api.patch(&project, json!({ "projectType": "object_detection" })).await.assert_problem(422, "invalid");
    api.patch(&project, json!({ "name": "" }))
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("name");
}

#[tokio::test]
async fn deleted_project_is_not_found_and_frees_name() {
    let api = Api::start().await;
    let project = format!("/api/v1/projects/{}", api.project("a").await);
    let deleted = api.delete(&project).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    api.get(&project).await.assert_problem(404, "not_found");
    api.delete(&project).await.assert_problem(404, "not_found");
    api.project("a").await;
}

#[tokio::test]
async fn invalid_project_is_rejected_by_field() {
    let api = Api::start().await;
    for (wrong, field) in [
        (json!({ "name": " ", "projectType": "classification" }), "name"),
        (json!({ "name": "n".repeat(101), "projectType": "classification" }), "name"),
        (json!({ "name": "n", "projectType": "segmentation" }), "projectType"),
        (
            json!({ "name": "n", "projectType": "classification", "description": "d".repeat(501) }),
            "description",
        ),
    ] {
        api.post("/api/v1/projects", wrong).await.assert_problem(422, "invalid").assert_field_error(field);
    }
    assert!(api.get("/api/v1/projects").await.ok().item_names().is_empty());
}

#[tokio::test]
async fn project_list_pages_have_each_project_once() {
    let api = Api::start().await;
    for number in 0..5 {
        api.project(&format!("p{number}")).await;
    }
    let first = api.get("/api/v1/projects?limit=3").await.ok();
    assert_eq!(first.item_names(), ["p4", "p3", "p2"]);
    let cursor = text(&first.json()["nextCursor"]);
    let second = api.get(&format!("/api/v1/projects?limit=3&cursor={cursor}")).await.ok();
    assert_eq!(
        (second.item_names(), second.json()["nextCursor"].clone()),
        (vec!["p1".into(), "p0".into()], Value::Null)
    );
}

#[tokio::test]
async fn project_name_is_unique_across_unicode_forms() {
    let api = Api::start().await;
    api.post("/api/v1/projects", new_project("Caf\u{e9} \u{2764}")).await.ok();
    for same in ["cafe\u{301} \u{2764}", "Caf\u{e9} \u{2764}\u{fe0f}"] {
        api.post("/api/v1/projects", new_project(same)).await.assert_problem(409, "name_taken");
    }
    let found = api.post("/api/v1/keys", json!({ "name": "Caf\u{e9}", "scopes": ["inference"] })).await.ok();
    let listed = api.get("/api/v1/keys?q=cafe%CC%81").await.ok().json();
    assert_eq!(listed["items"][0]["id"], found.json()["id"]);
}

#[tokio::test]
async fn name_spaces_are_normalized_and_invisible_characters_rejected() {
    let api = Api::start().await;
    let created = api.post("/api/v1/projects", new_project(" Line\u{3000} 3 ")).await.ok().json();
    assert_eq!(created["name"], "Line 3");
    for same in ["Line 3", "line  3", "Line\u{A0}3", "Line\u{2003}3", "\u{2009}Line\u{1680}3\n"] {
        api.post("/api/v1/projects", new_project(same)).await.assert_problem(409, "name_taken");
    }
    let key =
        api.post("/api/v1/keys", json!({ "name": "Line\u{A0}\u{A0}3", "scopes": ["inference"] })).await.ok();
    assert_eq!(key.json()["name"], "Line 3");
    for hidden in ["1D159", "16FE4", "13430", "1343F", "13441", "2800", "3164", "200B", "E0041"] {
        let c = char::from_u32(u32::from_str_radix(hidden, 16).unwrap()).unwrap();
        let name = format!("Line 3{c}");
        let expected = format!("U+{hidden} at position 7");
        let project = api
            .post("/api/v1/projects", new_project(&name))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error("name");
        assert!(project.text.contains(&expected), "{project:?}");
        let key = api.post("/api/v1/keys", json!({ "name": name, "scopes": ["inference"] })).await;
        assert!(
            key.assert_problem(422, "invalid").assert_field_error("name").text.contains(&expected),
            "{hidden}"
        );
    }
}

#[tokio::test]
async fn percent_encoded_path_has_same_guard() {
    let api = Api::start().await;
    let inference = api.create_key_with(&["inference"]).await;
    for path in ["/api/v1/%70rojects", "/%61pi/v1/projects", "/api/v1/project%73/"] {
        api.get(path).await.ok();
        api.server.get(path, &inference.secret).await.assert_problem(403, "insufficient_scope");
        send(api.server.request(Method::GET, path)).await.assert_problem(401, "missing_key");
    }
    for path in ["/api/v1/%2570rojects", "/api%2Fv1/projects", "/api/v1/projects%2F", "/api/v1/projects%00"] {
        assert_eq!(api.get(path).await.status, 404, "{path}");
    }
}
