//! When, from where, by what and for what a key was last used.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{send, until};

#[tokio::test]
async fn the_last_use_is_told_within_moments() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    assert_eq!(desk.read(&key).await["lastUsed"], Value::Null);
    let before = jiff::Timestamp::now();
    let request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
    send(request.header("user-agent", "camera/3 (line)").header("x-forwarded-for", "203.0.113.9")).await.ok();
    let after = jiff::Timestamp::now();
    let used = until("the use is written down", async || {
        Some(desk.read(&key).await["lastUsed"].clone()).filter(Value::is_object)
    })
    .await;
    let at: jiff::Timestamp = used["at"].as_str().unwrap().parse().unwrap();
    assert!((before..=after).contains(&at), "{before} {at} {after}");
    let rest = ["address", "userAgent", "permission"].map(|field| used[field].clone());
    assert_eq!(rest, [json!("203.0.113.9"), json!("camera/3 (line)"), json!("projects:manage")]);
    let revision = desk.read(&key).await["revision"].clone();
    assert_eq!(revision, key.body["revision"], "a use is no change");
}

#[tokio::test]
async fn a_refused_request_is_no_use() {
    let desk = Desk::open().await;
    let (refused, used) = (desk.key(&["inference"]).await, desk.key(&["project"]).await);
    desk.projects(&refused.secret).await.refused(403, "insufficient_scope");
    desk.projects(&used.secret).await.ok();
    // Both would be written down together.
    until("the other's use is written down", async || {
        desk.read(&used).await["lastUsed"].is_object().then_some(())
    })
    .await;
    assert_eq!(desk.read(&refused).await["lastUsed"], Value::Null);
}

#[tokio::test]
async fn being_asked_about_is_a_use() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let mut question = json!({ "workspace": crate::harness::SLUG, "permission": "models:predict" });
    desk.server.post("/api/v1/verify", &key.secret, question.clone()).await.ok();
    let used_from = async |address: &str| {
        let used = until("the use is written down", async || {
            Some(desk.read(&key).await["lastUsed"].clone()).filter(|used| used["address"] == address)
        });
        assert_eq!(used.await["permission"], "models:predict");
    };
    used_from("127.0.0.1").await;
    // Only a trusted service is believed about an address.
    question["ip"] = "198.51.100.7".into();
    let node = desk.server.key(&["node"]).await;
    desk.server.verify_as_service(&node, &key.secret, question).await.ok();
    used_from("198.51.100.7").await;
}

#[tokio::test]
async fn what_a_key_was_used_for_is_told_by_hour_permission_and_outcome() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    for _ in 0..3 {
        desk.projects(&key.secret).await.refused(403, "insufficient_scope");
    }
    let model = "/api/v1/predict/classify/mdl_00000000000070008000000000000000";
    desk.server.post(model, &key.secret, json!({ "image": "x" })).await.refused(404, "not_found");
    let path = format!("/api/v1/keys/{}/usage", key.body["id"].as_str().unwrap());
    let items = until("the uses are written down", async || {
        let items =
            desk.server.get(&path, &desk.master).await.ok().json()["items"].as_array().unwrap().clone();
        let checks: u64 = items.iter().map(|item| item["checks"].as_u64().unwrap()).sum();
        (checks == 4).then_some(items)
    })
    .await;
    // Asked within one hour, or around the turn of one.
    let of = |permission: &str, outcome: &str| -> u64 {
        let of = items.iter().filter(|one| one["permission"] == permission && one["outcome"] == outcome);
        of.map(|item| item["checks"].as_u64().unwrap()).sum()
    };
    assert_eq!(
        (of("models:predict", "allowed"), of("projects:manage", "insufficient_scope")),
        (1, 3),
        "{items:?}"
    );
    for (query, field) in [("?last=91d", "last"), ("?last=soon", "last")] {
        desk.server.get(&format!("{path}{query}"), &desk.master).await.names_field(field);
    }
}
