//! The time, address, user agent, and permission of a key's last use.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{send, wait_until};

#[tokio::test]
async fn last_used_is_recorded_after_allowed_request() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    assert_eq!(api.read(&key).await["lastUsed"], Value::Null);
    let before = jiff::Timestamp::now();
    let request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
    send(request.header("user-agent", "camera/3 (line)").header("x-forwarded-for", "203.0.113.9")).await.ok();
    let after = jiff::Timestamp::now();
    let used = wait_until("the last use is recorded", async || {
        Some(api.read(&key).await["lastUsed"].clone()).filter(Value::is_object)
    })
    .await;
    let at: jiff::Timestamp = used["at"].as_str().unwrap().parse().unwrap();
    assert!((before..=after).contains(&at), "{before} {at} {after}");
    let rest = ["address", "userAgent", "permission"].map(|field| used[field].clone());
    assert_eq!(rest, [json!("203.0.113.9"), json!("camera/3 (line)"), json!("projects:manage")]);
    let revision = api.read(&key).await["revision"].clone();
    assert_eq!(revision, key.body["revision"], "a request does not change the revision");
}

#[tokio::test]
async fn last_used_is_unchanged_after_denied_request() {
    let api = Api::start().await;
    let (denied, used) = (api.create_key_with(&["inference"]).await, api.create_key_with(&["project"]).await);
    api.projects(&denied.secret).await.assert_problem(403, "insufficient_scope");
    api.projects(&used.secret).await.ok();
    // The server records both requests together.
    wait_until("the last use of the other key is recorded", async || {
        api.read(&used).await["lastUsed"].is_object().then_some(())
    })
    .await;
    assert_eq!(api.read(&denied).await["lastUsed"], Value::Null);
}

#[tokio::test]
async fn last_used_is_recorded_after_verify() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let mut question = json!({ "workspace": crate::harness::SLUG, "permission": "models:predict" });
    api.server.post("/api/v1/verify", &key.secret, question.clone()).await.ok();
    let used_from = async |address: &str| {
        let used = wait_until("the last use is recorded", async || {
            Some(api.read(&key).await["lastUsed"].clone()).filter(|used| used["address"] == address)
        });
        assert_eq!(used.await["permission"], "models:predict");
    };
    used_from("127.0.0.1").await;
    // The server accepts an address only from a trusted service.
    question["ip"] = "198.51.100.7".into();
    let node = api.server.create_secret(&["node"]).await;
    api.server.verify_as_service(&node, &key.secret, question).await.ok();
    used_from("198.51.100.7").await;
}

#[tokio::test]
async fn usage_is_listed_by_hour_permission_and_outcome() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    for _ in 0..3 {
        api.projects(&key.secret).await.assert_problem(403, "insufficient_scope");
    }
    let model = "/api/v1/predict/classify/mdl_00000000000070008000000000000000";
    api.server.post(model, &key.secret, json!({ "image": "x" })).await.assert_problem(404, "not_found");
    let path = format!("/api/v1/keys/{}/usage", key.body["id"].as_str().unwrap());
    let items = wait_until("the usage is recorded", async || {
        let items =
            api.server.get(&path, &api.manager_key).await.ok().json()["items"].as_array().unwrap().clone();
        let checks: u64 = items.iter().map(|item| item["checks"].as_u64().unwrap()).sum();
        (checks == 4).then_some(items)
    })
    .await;
    // The requests fall into one hour or two.
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
        api.server.get(&format!("{path}{query}"), &api.manager_key).await.check_field_error(field);
    }
}
