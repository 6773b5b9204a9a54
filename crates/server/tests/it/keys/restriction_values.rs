//! Values of restrictions: which are accepted, how invalid ones are reported, and that a key cannot grant wider ones.

use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{Answer, text};
use crate::web_client::WebClient;

/// Creates a key with these restrictions.
async fn request_key(api: &Api, restrictions: Value) -> Answer {
    let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    api.post("/api/v1/keys", key).await
}

#[tokio::test]
async fn single_address_restriction_is_stored_as_network() {
    let api = Api::start().await;
    let networks =
        json!({ "networks": ["203.0.113.7", "2001:db8::1", "10.4.0.0/16", "::ffff:198.51.100.7"] });
    let created = request_key(&api, networks).await.ok().json();
    assert_eq!(
        created["restrictions"]["networks"],
        json!(["10.4.0.0/16", "198.51.100.7/32", "203.0.113.7/32", "2001:db8::1/128"])
    );
    let secret = text(&created["secret"]);
    let node = api.server.create_secret(&["node"]).await;
    let ask = async |ip: &str| {
        let question = json!({ "workspace": crate::harness::SLUG, "ip": ip });
        api.server.verify_as_service(&node, &secret, question).await
    };
    for ip in ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1", "198.51.100.7"] {
        ask(ip).await.ok();
    }
    for ip in ["203.0.113.8", "2001:db8::2", "198.51.100.6"] {
        ask(ip).await.assert_problem(403, "network_not_allowed");
    }
}

#[tokio::test]
async fn invalid_restriction_is_rejected_with_field_and_hint() {
    let api = Api::start().await;
    let theirs = WebClient::sign_in(&api.server).await.workspace("Southfield").await;
    let project = theirs.project("theirs").await;
    let nowhere = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    let many = vec!["10.0.0.0/8"; 101];
    for (restrictions, field, expected) in [
        (json!({ "networks": ["10.4.0.0/16", "10.4.0.17/16"] }), "networks", "10.4.0.0/16"),
        (json!({ "networks": ["10.4.0.17/16"] }), "networks", "Item 1"),
        (json!({ "networks": ["2001:db8::1/32"] }), "networks", "2001:db8::/32"),
        (json!({ "networks": ["10.4.0.0/33"] }), "networks", "such as 203.0.113.7"),
        (json!({ "networks": ["", "10.0.0.0/8"] }), "networks", "such as 203.0.113.7"),
        (json!({ "networks": many }), "networks", "Use 100"),
        (json!({ "origins": ["https://a.example/path"] }), "origins", "without a path"),
        (json!({ "origins": ["https://a.example", "a.example"] }), "origins", "Item 2"),
        (json!({ "projects": [project] }), "projects", "isn't in this workspace"),
        (json!({ "projects": ["prj_x"] }), "projects", "ID of a project"),
        (json!({ "models": [nowhere] }), "models", nowhere),
        (json!({ "models": [project] }), "models", "ID of a model"),
        (json!({ "maxImageBytes": 0 }), "maxImageBytes", "from 1"),
        (json!({ "maxImageBytes": -5 }), "maxImageBytes", "from 1"),
        (json!({ "maxImageBytes": 1.5 }), "maxImageBytes", "whole number"),
        (json!({ "maxImageBytes": 10_000_001 }), "maxImageBytes", "10000000 bytes"),
        (json!({ "maxImageBytes": 99_999_999_999_u64 }), "maxImageBytes", "server limit"),
    ] {
        let field = format!("restrictions.{field}");
        let denied = request_key(&api, restrictions.clone())
            .await
            .assert_problem(422, "invalid")
            .assert_field_error(&field);
        assert!(text(&denied.json()["message"]).contains(expected), "{restrictions}: {denied:?}");
        let key = api.create_key_with(&["inference"]).await;
        let patch = json!({ "restrictions": restrictions });
        api.patch(&key.path(), patch.clone()).await.assert_problem(422, "invalid").assert_field_error(&field);
        api.post(&format!("{}/what-if", key.path()), patch)
            .await
            .assert_problem(422, "invalid")
            .assert_field_error(&field);
        assert_eq!(api.read(&key).await["restrictions"], json!({}));
    }
    for (restrictions, field) in [
        (json!({ "models": "mdl" }), "restrictions.models"),
        (json!({ "maxImageBytes": "5" }), "restrictions.maxImageBytes"),
        (json!({ "maxImageBytes": [5] }), "restrictions.maxImageBytes"),
    ] {
        request_key(&api, restrictions).await.assert_problem(422, "invalid").assert_field_error(field);
    }
    request_key(&api, json!({ "maxImageBytes": 10_000_000 })).await.ok();
    request_key(&api, json!({ "maxImageBytes": null, "models": null })).await.ok();
}

#[tokio::test]
async fn several_invalid_restrictions_are_all_reported() {
    let api = Api::start().await;
    let restrictions = json!({ "networks": ["x"], "origins": ["y"], "models": ["z"], "maxImageBytes": 0 });
    let denied = request_key(&api, restrictions).await.assert_problem(422, "invalid");
    for field in ["networks", "origins", "models", "maxImageBytes"] {
        denied.check_field_error(&format!("restrictions.{field}"));
    }
}

#[tokio::test]
async fn key_cannot_grant_larger_images_or_other_models() {
    let api = Api::start().await;
    let own = json!({ "maxImageBytes": 1_000, "models": [] });
    let maker = json!({ "name": "maker", "scopes": ["inference", "keys"], "restrictions": own });
    let maker = api.create_key(maker).await;
    let make = async |restrictions: Value| {
        let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
        api.server.post("/api/v1/keys", &maker.secret, key).await
    };
    make(json!({ "maxImageBytes": 1_000, "models": [] })).await.ok();
    make(json!({ "maxImageBytes": 999, "models": [], "networks": ["10.0.0.1"] })).await.ok();
    for wider in [
        json!({}),
        json!({ "maxImageBytes": 1_000 }),
        json!({ "models": [] }),
        json!({ "maxImageBytes": 1_001, "models": [] }),
    ] {
        make(wider).await.assert_problem(403, "beyond_key");
    }
}

#[tokio::test]
async fn restriction_to_deleted_project_survives_other_changes() {
    let api = Api::start().await;
    let (only, other) = (api.project("only").await, api.project("other").await);
    let restrictions = json!({ "projects": [only] });
    let key =
        api.create_key(json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions })).await;
    api.delete(&format!("/api/v1/projects/{only}")).await.ok();
    // An edit sends all restrictions, so projects that the key already names are still accepted. The key gains nothing.
    let both = json!({ "restrictions": { "projects": [only], "rate": { "requests": 5, "seconds": 60 } } });
    api.patch(&key.path(), both).await.ok();
    assert!(api.projects(&key.secret).await.ok().item_names().is_empty());
    let newly = json!({ "restrictions": { "projects": [only, "prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"] } });
    api.patch(&key.path(), newly)
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("restrictions.projects");
    api.patch(&key.path(), json!({ "restrictions": { "projects": [other] } })).await.ok();
    assert_eq!(api.projects(&key.secret).await.ok().item_names(), ["other"]);
}

#[tokio::test]
async fn what_if_reports_unrecorded_restrictions() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let what_if = async |restrictions: Value| {
        let path = format!("{}/what-if", key.path());
        api.post(&path, json!({ "restrictions": restrictions })).await.ok().json()
    };
    let impact = what_if(json!({ "maxImageBytes": 1_000, "models": [], "projects": [] })).await;
    assert_eq!(
        (&impact["unrecordedRestrictions"], &impact["relaxedRestrictions"]),
        (&json!(["maxImageBytes", "models", "projects"]), &json!([]))
    );
    api.patch(&key.path(), json!({ "restrictions": { "maxImageBytes": 1_000, "models": [] } })).await.ok();
    let impact = what_if(json!({ "maxImageBytes": 2_000 })).await;
    assert_eq!(
        (&impact["unrecordedRestrictions"], &impact["relaxedRestrictions"]),
        (&json!([]), &json!(["models", "maxImageBytes"]))
    );
}
