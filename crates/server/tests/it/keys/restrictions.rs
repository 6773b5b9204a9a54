//! What narrows a key: projects, networks, origins.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, send};
use crate::visitor::Visitor;

async fn restricted(desk: &Desk, restrictions: Value) -> Made {
    desk.make(json!({ "name": "narrow", "scopes": ["project", "inference"], "restrictions": restrictions }))
        .await
}

/// Asks a model that is not there: whoever is told so was let through.
async fn predicts_from(desk: &Desk, key: &Made, origin: Option<&str>) -> Answer {
    let path = "/api/v1/predict/classify/mdl_00000000000070008000000000000000";
    let request = desk.server.request(Method::POST, path).bearer_auth(&key.secret);
    send(origin.into_iter().fold(request, |request, origin| request.header("origin", origin))).await
}

/// The list of projects, asked for with a header.
async fn projects_with(desk: &Desk, key: &Made, header: &str, value: &str) -> Answer {
    let request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
    send(request.header(header, value)).await
}

#[tokio::test]
async fn a_key_for_named_projects_opens_those_and_no_others() {
    let desk = Desk::open().await;
    let (inside, outside) = (desk.project("inside").await, desk.project("outside").await);
    let key = restricted(&desk, json!({ "projects": [inside] })).await;
    assert_eq!(key.body["restrictions"], json!({ "projects": [inside] }));
    assert_eq!(desk.projects(&key.secret).await.ok().item_names(), ["inside"]);
    let path = |id: &str| format!("/api/v1/projects/{id}");
    desk.server.get(&path(&inside), &key.secret).await.ok();
    desk.server.patch(&path(&inside), &key.secret, json!({ "description": "d" })).await.ok();
    desk.server.get(&path(&outside), &key.secret).await.refused(403, "outside_key");
    desk.server.patch(&path(&outside), &key.secret, json!({ "name": "x" })).await.refused(403, "outside_key");
    desk.server.delete(&path(&outside), &key.secret).await.refused(403, "outside_key");
    let new = json!({ "name": "new", "projectType": "classification" });
    desk.server.post("/api/v1/projects", &key.secret, new).await.refused(403, "outside_key");
    let nothing = path("prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f");
    desk.server.get(&nothing, &key.secret).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_page_of_projects_is_full_though_the_key_covers_few() {
    let desk = Desk::open().await;
    let mut covered = Vec::new();
    for number in 0..6 {
        let id = desk.project(&format!("project {number}")).await;
        if number % 3 == 0 {
            covered.push(id);
        }
    }
    let key = restricted(&desk, json!({ "projects": covered })).await;
    let page = desk.server.get("/api/v1/projects?limit=2", &key.secret).await.ok();
    assert_eq!(page.item_names(), ["project 3", "project 0"]);
    assert_eq!(page.json()["nextCursor"], Value::Null);
}

#[tokio::test]
async fn projects_of_another_workspace_are_not_there() {
    let desk = Desk::open().await;
    let theirs = Visitor::sign_in(&desk.server).await.workspace("Southfield").await;
    let project = theirs.project("theirs").await;
    let key = desk.key(&["project"]).await;
    let path = format!("/api/v1/projects/{project}");
    desk.server.get(&path, &key.secret).await.refused(404, "not_found");
    desk.server.patch(&path, &key.secret, json!({ "name": "x" })).await.refused(404, "not_found");
    desk.server.delete(&path, &key.secret).await.refused(404, "not_found");
    let named = json!({ "name": "n", "scopes": ["project"], "restrictions": { "projects": [project] } });
    desk.post("/api/v1/keys", named).await.refused(422, "invalid").names("restrictions.projects");
}

#[tokio::test]
async fn a_key_whose_last_project_is_deleted_opens_none() {
    let desk = Desk::open().await;
    let (only, _other) = (desk.project("only").await, desk.project("other").await);
    let key = restricted(&desk, json!({ "projects": [only] })).await;
    desk.delete(&format!("/api/v1/projects/{only}")).await.ok();
    assert!(desk.projects(&key.secret).await.ok().item_names().is_empty());
    let none = restricted(&desk, json!({ "projects": [] })).await;
    assert_eq!(none.body["restrictions"], json!({ "projects": [] }));
    assert!(desk.projects(&none.secret).await.ok().item_names().is_empty());
}

#[tokio::test]
async fn a_key_for_named_networks_works_from_those() {
    let desk = Desk::open().await;
    let key = restricted(&desk, json!({ "networks": ["10.4.0.0/16", "2001:db8::/32"] })).await;
    for from in ["10.4.0.17", "2001:db8::7"] {
        projects_with(&desk, &key, "x-forwarded-for", from).await.ok();
    }
    for from in ["10.5.0.1", "2001:db9::1", "nonsense"] {
        let refused = projects_with(&desk, &key, "x-forwarded-for", from).await;
        assert_eq!(refused.refused(403, "network_not_allowed").json()["key"], key.id, "{from}");
    }
    desk.patch(&key.path(), json!({ "restrictions": { "networks": ["10.5.0.0/16"] } })).await.ok();
    projects_with(&desk, &key, "x-forwarded-for", "10.5.0.1").await.ok();
    projects_with(&desk, &key, "x-forwarded-for", "10.4.0.17").await.refused(403, "network_not_allowed");
}

/// The proxy itself is in a network that the key allows.
#[tokio::test]
async fn a_client_whose_address_cannot_be_read_is_not_the_proxy() {
    let desk = Desk::open().await;
    let key = restricted(&desk, json!({ "networks": ["127.0.0.0/8", "10.4.0.0/16"] })).await;
    let from = async |hops: &[u8]| {
        let request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
        send(request.header("x-forwarded-for", hops)).await
    };
    for unreadable in [&b"\xe9"[..], b"", b"unknown", b"[[[10.4.0.1", b"10.4.0.1, \xe9", b"10.4.0.1, unix:"] {
        from(unreadable).await.refused(403, "network_not_allowed");
    }
    from(b"\xe9, 203.0.113.9").await.refused(403, "network_not_allowed");
    from(b"\xe9, 10.4.0.1").await.ok();
    from("é, 10.4.0.1".as_bytes()).await.ok();
}

#[tokio::test]
async fn a_key_for_named_origins_works_from_those() {
    let desk = Desk::open().await;
    let origins = json!({ "origins": ["https://app.example.org", "https://*.example.net"] });
    let key = json!({ "name": "narrow", "scopes": ["inference"], "restrictions": origins });
    let key = desk.make(key).await;
    for from in ["https://app.example.org", "https://a.example.net"] {
        predicts_from(&desk, &key, Some(from)).await.refused(404, "not_found");
    }
    for from in
        ["https://example.net", "http://app.example.org", "https://app.example.org.evil.example", "null"]
    {
        predicts_from(&desk, &key, Some(from)).await.refused(403, "origin_not_allowed");
    }
    predicts_from(&desk, &key, None).await.refused(403, "origin_not_allowed");
}

#[tokio::test]
async fn a_restriction_that_is_not_enforced_is_refused_and_never_stored() {
    let desk = Desk::open().await;
    for unknown in [json!({ "weekdays": ["mon"] }), json!({ "maxVideoBytes": 5 })] {
        let wanted = json!({ "name": "n", "scopes": ["project"], "restrictions": unknown });
        desk.post("/api/v1/keys", wanted).await.refused(422, "invalid");
        let key = desk.key(&["project"]).await;
        desk.patch(&key.path(), json!({ "restrictions": unknown })).await.refused(422, "invalid");
        assert_eq!(desk.read(&key).await["restrictions"], json!({}));
    }
}
