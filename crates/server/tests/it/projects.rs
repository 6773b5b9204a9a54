//! Projects, the first rooms behind the guard: what opens them and what does not.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Answer, send, text};

fn caps(name: &str) -> Value {
    json!({ "name": name, "projectType": "object_detection", "description": "round ones" })
}

/// Every call about projects, asked with `secret` or without a key.
async fn every_call(desk: &Desk, secret: Option<&str>) -> Vec<Answer> {
    let project = format!("/api/v1/projects/{}", desk.project("there").await);
    let calls = [
        (Method::GET, "/api/v1/projects", Value::Null),
        (Method::POST, "/api/v1/projects", caps("new")),
        (Method::GET, &project, Value::Null),
        (Method::PATCH, &project, json!({ "name": "renamed" })),
        (Method::DELETE, &project, Value::Null),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in calls {
        let mut request = desk.server.request(method, path);
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
async fn a_project_key_opens_every_call() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let statuses: Vec<_> =
        every_call(&desk, Some(&key.secret)).await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [200, 201, 200, 200, 204]);
}

#[tokio::test]
async fn an_inference_key_is_refused_by_every_call_and_told_what_it_lacks() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let manage = format!("{}/keys/{}", desk.server.url, key.id);
    for answer in every_call(&desk, Some(&key.secret)).await {
        let answer = answer.refused(403, "insufficient_scope");
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
async fn without_a_key_every_call_asks_for_one() {
    let desk = Desk::open().await;
    for answer in every_call(&desk, None).await {
        let answer = answer.refused(401, "missing_key");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"keyrack\"");
    }
    assert_eq!(desk.get("/api/v1/projects").await.ok().item_names(), ["there"]);
}

#[tokio::test]
async fn a_project_is_made_and_read_as_it_was_asked_for() {
    let desk = Desk::open().await;
    let made = desk.post("/api/v1/projects", caps(" Bottle caps ")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let project = made.json();
    let is = ["name", "projectType", "description"].map(|field| text(&project[field]));
    assert_eq!(is, ["Bottle caps", "object_detection", "round ones"]);
    assert_eq!(made.header("location"), format!("/api/v1/projects/{}", text(&project["id"])));
    assert_eq!(desk.get(made.header("location")).await.ok().json(), project);
    assert_eq!(desk.get(&format!("{}/", made.header("location"))).await.ok().json(), project);
}

#[tokio::test]
async fn a_name_is_taken_in_any_capitals_until_it_is_given_up() {
    let desk = Desk::open().await;
    let first = format!("/api/v1/projects/{}", desk.project("Größe").await);
    let other = format!("/api/v1/projects/{}", desk.project("Other").await);
    for taken in ["Größe", "GRÖßE", " größe "] {
        desk.post("/api/v1/projects", caps(taken)).await.refused(409, "name_taken");
        desk.patch(&other, json!({ "name": taken })).await.refused(409, "name_taken");
    }
    desk.patch(&first, json!({ "name": "größe" })).await.ok();
    desk.patch(&first, json!({ "name": "Width" })).await.ok();
    desk.patch(&other, json!({ "name": "Größe" })).await.ok();
}

#[tokio::test]
async fn a_project_is_renamed_and_described_and_keeps_its_type() {
    let desk = Desk::open().await;
    let project = format!("/api/v1/projects/{}", desk.project("a").await);
    let renamed = desk.patch(&project, json!({ "name": "b" })).await.ok().json();
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("b"), &Value::Null));
    assert_eq!(desk.patch(&project, json!({ "description": "d" })).await.ok().json()["description"], "d");
    assert_eq!(desk.patch(&project, json!({ "name": "c" })).await.ok().json()["description"], "d");
    assert_eq!(
        desk.patch(&project, json!({ "description": "" })).await.ok().json()["description"],
        Value::Null
    );
    desk.patch(&project, json!({ "projectType": "object_detection" })).await.refused(422, "invalid");
    desk.patch(&project, json!({ "name": "" })).await.refused(422, "invalid").names("name");
}

#[tokio::test]
async fn a_deleted_project_is_not_there_and_its_name_is_free() {
    let desk = Desk::open().await;
    let project = format!("/api/v1/projects/{}", desk.project("a").await);
    let deleted = desk.delete(&project).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    desk.get(&project).await.refused(404, "not_found");
    desk.delete(&project).await.refused(404, "not_found");
    desk.project("a").await;
}

#[tokio::test]
async fn what_cannot_be_is_named_and_nothing_is_made() {
    let desk = Desk::open().await;
    for (wrong, field) in [
        (json!({ "name": " ", "projectType": "classification" }), "name"),
        (json!({ "name": "n".repeat(101), "projectType": "classification" }), "name"),
        (json!({ "name": "n", "projectType": "segmentation" }), "projectType"),
        (
            json!({ "name": "n", "projectType": "classification", "description": "d".repeat(501) }),
            "description",
        ),
    ] {
        desk.post("/api/v1/projects", wrong).await.refused(422, "invalid").names(field);
    }
    assert!(desk.get("/api/v1/projects").await.ok().item_names().is_empty());
}

#[tokio::test]
async fn pages_hold_every_project_once_newest_first() {
    let desk = Desk::open().await;
    for number in 0..5 {
        desk.project(&format!("p{number}")).await;
    }
    let first = desk.get("/api/v1/projects?limit=3").await.ok();
    assert_eq!(first.item_names(), ["p4", "p3", "p2"]);
    let cursor = text(&first.json()["nextCursor"]);
    let second = desk.get(&format!("/api/v1/projects?limit=3&cursor={cursor}")).await.ok();
    assert_eq!(
        (second.item_names(), second.json()["nextCursor"].clone()),
        (vec!["p1".into(), "p0".into()], Value::Null)
    );
}

#[tokio::test]
async fn two_projects_differ_in_more_than_how_letters_are_composed() {
    let desk = Desk::open().await;
    desk.post("/api/v1/projects", caps("Caf\u{e9} \u{2764}")).await.ok();
    for same in ["cafe\u{301} \u{2764}", "Caf\u{e9} \u{2764}\u{fe0f}"] {
        desk.post("/api/v1/projects", caps(same)).await.refused(409, "name_taken");
    }
    let found = desk.post("/api/v1/keys", json!({ "name": "Caf\u{e9}", "scopes": ["inference"] })).await.ok();
    let listed = desk.get("/api/v1/keys?q=cafe%CC%81").await.ok().json();
    assert_eq!(listed["items"][0]["id"], found.json()["id"]);
}

#[tokio::test]
async fn two_names_differ_in_more_than_their_spaces_and_none_has_an_invisible_character() {
    let desk = Desk::open().await;
    let made = desk.post("/api/v1/projects", caps(" Line\u{3000} 3 ")).await.ok().json();
    assert_eq!(made["name"], "Line 3");
    for same in ["Line 3", "line  3", "Line\u{A0}3", "Line\u{2003}3", "\u{2009}Line\u{1680}3\n"] {
        desk.post("/api/v1/projects", caps(same)).await.refused(409, "name_taken");
    }
    let key =
        desk.post("/api/v1/keys", json!({ "name": "Line\u{A0}\u{A0}3", "scopes": ["inference"] })).await.ok();
    assert_eq!(key.json()["name"], "Line 3");
    for hidden in ["1D159", "16FE4", "13430", "1343F", "13441", "2800", "3164", "200B", "E0041"] {
        let c = char::from_u32(u32::from_str_radix(hidden, 16).unwrap()).unwrap();
        let name = format!("Line 3{c}");
        let says = format!("remove character 7, U+{hidden}");
        let project = desk.post("/api/v1/projects", caps(&name)).await.refused(422, "invalid").names("name");
        assert!(project.text.contains(&says), "{project:?}");
        let key = desk.post("/api/v1/keys", json!({ "name": name, "scopes": ["inference"] })).await;
        assert!(key.refused(422, "invalid").names("name").text.contains(&says), "{hidden}");
    }
}

#[tokio::test]
async fn a_path_with_letters_percent_encoded_is_the_same_path_with_the_same_guard() {
    let desk = Desk::open().await;
    let inference = desk.key(&["inference"]).await;
    for path in ["/api/v1/%70rojects", "/%61pi/v1/projects", "/api/v1/project%73/"] {
        desk.get(path).await.ok();
        desk.server.get(path, &inference.secret).await.refused(403, "insufficient_scope");
        send(desk.server.request(Method::GET, path)).await.refused(401, "missing_key");
    }
    for path in ["/api/v1/%2570rojects", "/api%2Fv1/projects", "/api/v1/projects%2F", "/api/v1/projects%00"] {
        assert_eq!(desk.get(path).await.status, 404, "{path}");
    }
}
