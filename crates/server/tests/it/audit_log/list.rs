//! The list of audit entries.

use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::text;

fn actions(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|entry| text(&entry["action"])).collect()
}

#[tokio::test]
async fn audit_entries_have_actor_action_target_and_changes() {
    let api = Api::start().await;
    let key = api.create_key(json!({ "name": "CI", "scopes": ["project"] })).await;
    let change =
        json!({ "name": "CD", "scopes": ["inference"], "restrictions": { "networks": ["10.0.0.0/8"] } });
    api.patch(&key.path(), change).await.ok();
    api.rotate(&key, "1h").await;
    api.server
        .post("/api/v1/keys", &api.manager_key, json!({ "name": "" }))
        .await
        .assert_problem(422, "invalid");
    api.delete(&key.path()).await.ok();
    let page = api.get(&format!("/api/v1/activity?target={}", key.id)).await.ok().json();
    assert_eq!(actions(&page), ["key_deleted", "key_rotated", "key_edited", "key_created"]);
    for entry in page["items"].as_array().unwrap() {
        assert_eq!(entry["targetName"], "CD");
        assert_eq!(entry["actorName"], "of a test");
        assert!(text(&entry["actor"]).starts_with("key:key_"));
        assert_eq!(text(&entry["hash"]).len(), 64);
    }
    let edited = &page["items"][2]["detail"];
    assert_eq!(edited["name"], json!({ "before": "CI", "after": "CD" }));
    assert_eq!(edited["permissions"]["after"], json!(["models:predict"]));
    assert_eq!(edited["restrictions"]["after"]["networks"], json!(["10.0.0.0/8"]));
    let rotated = &page["items"][1]["detail"];
    assert_eq!((&rotated["name"], text(&rotated["replaced"])), (&json!("CD"), key.secret[40..].to_owned()));
    assert!(!page.to_string().contains(&key.secret[6..38]));
}

#[tokio::test]
async fn audit_list_with_filters_and_pages_has_no_gaps() {
    let api = Api::start().await;
    for name in ["one", "two", "three"] {
        api.create_key(json!({ "name": name, "scopes": ["inference"] })).await;
    }
    let mut sequence = Vec::new();
    let mut path = "/api/v1/activity?limit=2".to_owned();
    loop {
        let page = api.get(&path).await.ok().json();
        sequence.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/activity?limit=2&cursor={cursor}");
    }
    assert_eq!(sequence, [6, 5, 4, 3, 2, 1]);
    let of = async |query: &str| api.get(&format!("/api/v1/activity?{query}")).await.ok().json();
    assert_eq!(actions(&of("action=workspace_created").await), ["workspace_created"]);
    assert_eq!(of("q=TWO").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(of("actor=operator").await["items"][0]["seq"], 3);
    assert_eq!(of("from=2100-01-01T00:00:00Z").await["items"], json!([]));
    assert_eq!(of("until=2100-01-01T00:00:00Z").await["items"].as_array().unwrap().len(), 6);
    for (query, field) in [
        ("actor=ada", "actor"),
        ("action=key_stolen", "action"),
        ("target=key_1", "target"),
        ("from=yesterday", "from"),
        ("until=2027-01-01", "until"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
    ] {
        api.get(&format!("/api/v1/activity?{query}"))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error(field);
    }
}

#[tokio::test]
async fn audit_verify_returns_entry_count_and_newest_hash() {
    let api = Api::start().await;
    let newest = api.get("/api/v1/activity?limit=1").await.ok().json();
    let found = api.get("/api/v1/activity/verify").await.ok().json();
    let hash = &newest["items"][0]["hash"];
    assert_eq!(found, json!({ "verified": true, "entries": 3, "firstInvalid": null, "newestHash": hash }));
}
