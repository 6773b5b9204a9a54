//! Entries by the page.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::text;

fn actions(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|entry| text(&entry["action"])).collect()
}

#[tokio::test]
async fn entries_tell_who_did_what_to_what_and_what_changed() {
    let desk = Desk::open().await;
    let key = desk.make(json!({ "name": "CI", "scopes": ["project"] })).await;
    let change =
        json!({ "name": "CD", "scopes": ["inference"], "restrictions": { "networks": ["10.0.0.0/8"] } });
    desk.patch(&key.path(), change).await.ok();
    desk.rotate(&key, "1h").await;
    desk.server.post("/api/v1/keys", &desk.master, json!({ "name": "" })).await.refused(422, "invalid");
    desk.delete(&key.path()).await.ok();
    let page = desk.get(&format!("/api/v1/activity?target={}", key.id)).await.ok().json();
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
async fn a_list_is_filtered_and_paged_without_gaps() {
    let desk = Desk::open().await;
    for name in ["one", "two", "three"] {
        desk.make(json!({ "name": name, "scopes": ["inference"] })).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/activity?limit=2".to_owned();
    loop {
        let page = desk.get(&path).await.ok().json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/activity?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1]);
    let of = async |query: &str| desk.get(&format!("/api/v1/activity?{query}")).await.ok().json();
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
        desk.get(&format!("/api/v1/activity?{query}")).await.refused(422, "invalid").names(field);
    }
}

#[tokio::test]
async fn verifying_says_how_many_hold_and_the_newest_hash() {
    let desk = Desk::open().await;
    let newest = desk.get("/api/v1/activity?limit=1").await.ok().json();
    let found = desk.get("/api/v1/activity/verify").await.ok().json();
    let hash = &newest["items"][0]["hash"];
    assert_eq!(found, json!({ "verified": true, "entries": 3, "firstInvalid": null, "newestHash": hash }));
}
