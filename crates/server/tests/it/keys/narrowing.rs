//! Restrictions as they are written: what is taken for one, what is refused and in which words, and that nobody hands on more
//! than they have.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Answer, text};
use crate::visitor::Visitor;

/// Asks for a key with these restrictions.
async fn wanted(desk: &Desk, restrictions: Value) -> Answer {
    let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    desk.post("/api/v1/keys", key).await
}

#[tokio::test]
async fn a_single_address_is_a_network_of_its_own() {
    let desk = Desk::open().await;
    let networks =
        json!({ "networks": ["203.0.113.7", "2001:db8::1", "10.4.0.0/16", "::ffff:198.51.100.7"] });
    let made = wanted(&desk, networks).await.ok().json();
    assert_eq!(
        made["restrictions"]["networks"],
        json!(["10.4.0.0/16", "198.51.100.7/32", "203.0.113.7/32", "2001:db8::1/128"])
    );
    let secret = text(&made["secret"]);
    let node = desk.server.key(&["node"]).await;
    let ask = async |ip: &str| {
        let question = json!({ "workspace": crate::harness::SLUG, "ip": ip });
        desk.server.verify_as_service(&node, &secret, question).await
    };
    for ip in ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1", "198.51.100.7"] {
        ask(ip).await.ok();
    }
    for ip in ["203.0.113.8", "2001:db8::2", "198.51.100.6"] {
        ask(ip).await.refused(403, "network_not_allowed");
    }
}

#[tokio::test]
async fn what_is_no_restriction_is_refused_with_its_field_and_what_was_meant() {
    let desk = Desk::open().await;
    let theirs = Visitor::sign_in(&desk.server).await.workspace("Southfield").await;
    let project = theirs.project("theirs").await;
    let nowhere = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    let many = vec!["10.0.0.0/8"; 101];
    for (restrictions, field, says) in [
        (json!({ "networks": ["10.4.0.0/16", "10.4.0.17/16"] }), "networks", "10.4.0.0/16"),
        (json!({ "networks": ["10.4.0.17/16"] }), "networks", "number 1"),
        (json!({ "networks": ["2001:db8::1/32"] }), "networks", "2001:db8::/32"),
        (json!({ "networks": ["10.4.0.0/33"] }), "networks", "such as 203.0.113.7"),
        (json!({ "networks": ["", "10.0.0.0/8"] }), "networks", "such as 203.0.113.7"),
        (json!({ "networks": many }), "networks", "at most 100"),
        (json!({ "origins": ["https://a.example/path"] }), "origins", "without a path"),
        (json!({ "origins": ["https://a.example", "a.example"] }), "origins", "number 2"),
        (json!({ "projects": [project] }), "projects", "there is no project"),
        (json!({ "projects": ["prj_x"] }), "projects", "id of a project"),
        (json!({ "models": [nowhere] }), "models", nowhere),
        (json!({ "models": [project] }), "models", "id of a model"),
        (json!({ "maxImageBytes": 0 }), "maxImageBytes", "1 or more"),
        (json!({ "maxImageBytes": -5 }), "maxImageBytes", "1 or more"),
        (json!({ "maxImageBytes": 1.5 }), "maxImageBytes", "whole number"),
        (json!({ "maxImageBytes": 10_000_001 }), "maxImageBytes", "10000000 bytes"),
        (json!({ "maxImageBytes": 99_999_999_999_u64 }), "maxImageBytes", "no more than this server takes"),
    ] {
        let field = format!("restrictions.{field}");
        let refused = wanted(&desk, restrictions.clone()).await.refused(422, "invalid").names(&field);
        assert!(text(&refused.json()["message"]).contains(says), "{restrictions}: {refused:?}");
        let key = desk.key(&["inference"]).await;
        let patch = json!({ "restrictions": restrictions });
        desk.patch(&key.path(), patch.clone()).await.refused(422, "invalid").names(&field);
        desk.post(&format!("{}/what-if", key.path()), patch).await.refused(422, "invalid").names(&field);
        assert_eq!(desk.read(&key).await["restrictions"], json!({}));
    }
    for (restrictions, field) in [
        (json!({ "models": "mdl" }), "restrictions.models"),
        (json!({ "maxImageBytes": "5" }), "restrictions.maxImageBytes"),
        (json!({ "maxImageBytes": [5] }), "restrictions.maxImageBytes"),
    ] {
        wanted(&desk, restrictions).await.refused(422, "invalid").names(field);
    }
    wanted(&desk, json!({ "maxImageBytes": 10_000_000 })).await.ok();
    wanted(&desk, json!({ "maxImageBytes": null, "models": null })).await.ok();
}

#[tokio::test]
async fn what_is_wrong_in_several_fields_is_told_of_each() {
    let desk = Desk::open().await;
    let restrictions = json!({ "networks": ["x"], "origins": ["y"], "models": ["z"], "maxImageBytes": 0 });
    let refused = wanted(&desk, restrictions).await.refused(422, "invalid");
    for field in ["networks", "origins", "models", "maxImageBytes"] {
        refused.names_field(&format!("restrictions.{field}"));
    }
}

#[tokio::test]
async fn a_key_hands_on_no_larger_images_and_no_other_models() {
    let desk = Desk::open().await;
    let own = json!({ "maxImageBytes": 1_000, "models": [] });
    let maker = json!({ "name": "maker", "scopes": ["inference", "keys"], "restrictions": own });
    let maker = desk.make(maker).await;
    let make = async |restrictions: Value| {
        let key = json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
        desk.server.post("/api/v1/keys", &maker.secret, key).await
    };
    make(json!({ "maxImageBytes": 1_000, "models": [] })).await.ok();
    make(json!({ "maxImageBytes": 999, "models": [], "networks": ["10.0.0.1"] })).await.ok();
    for wider in [
        json!({}),
        json!({ "maxImageBytes": 1_000 }),
        json!({ "models": [] }),
        json!({ "maxImageBytes": 1_001, "models": [] }),
    ] {
        make(wider).await.refused(403, "beyond_key");
    }
}

#[tokio::test]
async fn a_project_that_was_deleted_stays_a_restriction_through_other_changes() {
    let desk = Desk::open().await;
    let (only, other) = (desk.project("only").await, desk.project("other").await);
    let restrictions = json!({ "projects": [only] });
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "restrictions": restrictions })).await;
    desk.delete(&format!("/api/v1/projects/{only}")).await.ok();
    // A change sends all restrictions along: what was named before may be named again, and nothing is widened.
    let both = json!({ "restrictions": { "projects": [only], "rate": { "requests": 5, "seconds": 60 } } });
    desk.patch(&key.path(), both).await.ok();
    assert!(desk.projects(&key.secret).await.ok().item_names().is_empty());
    let newly = json!({ "restrictions": { "projects": [only, "prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"] } });
    desk.patch(&key.path(), newly).await.refused(422, "invalid").names("restrictions.projects");
    desk.patch(&key.path(), json!({ "restrictions": { "projects": [other] } })).await.ok();
    assert_eq!(desk.projects(&key.secret).await.ok().item_names(), ["other"]);
}

#[tokio::test]
async fn of_models_and_sizes_what_if_says_that_nothing_is_recorded() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let what_if = async |restrictions: Value| {
        let path = format!("{}/what-if", key.path());
        desk.post(&path, json!({ "restrictions": restrictions })).await.ok().json()
    };
    let told = what_if(json!({ "maxImageBytes": 1_000, "models": [], "projects": [] })).await;
    assert_eq!(
        (&told["unrecordedRestrictions"], &told["relaxedRestrictions"]),
        (&json!(["projects", "models", "maxImageBytes"]), &json!([]))
    );
    desk.patch(&key.path(), json!({ "restrictions": { "maxImageBytes": 1_000, "models": [] } })).await.ok();
    let told = what_if(json!({ "maxImageBytes": 2_000 })).await;
    assert_eq!(
        (&told["unrecordedRestrictions"], &told["relaxedRestrictions"]),
        (&json!([]), &json!(["models", "maxImageBytes"]))
    );
}
