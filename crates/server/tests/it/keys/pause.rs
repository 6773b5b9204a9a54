//! Pausing and resuming keys.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey, millis_from_now};
use crate::harness::{Answer, SLUG, send, wait_until};

impl Api {
    async fn pause(&self, key: &CreatedKey, body: Value) -> Answer {
        self.post(&format!("{}/pause", key.path()), body).await
    }

    async fn resume(&self, key: &CreatedKey) -> Answer {
        self.post(&format!("{}/resume", key.path()), json!({})).await
    }
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

#[tokio::test]
async fn paused_key_is_denied_until_resumed() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let old = CreatedKey { id: key.id.clone(), secret: key.secret.clone(), body: Value::Null };
    let new = api.rotate(&old, "24h").await;
    let answer = api.pause(&key, json!({})).await.ok();
    let paused = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", paused["revision"]));
    assert_eq!((&paused["status"], &paused["paused"]["until"]), (&json!("paused"), &Value::Null));
    assert_eq!(paused["paused"]["by"], key.body["createdBy"]);
    let propagation =
        json!({ "revision": paused["revision"], "nodes": 1, "confirmed": 1, "unconfirmed": [] });
    assert_eq!(paused["propagation"], propagation);
    for secret in [&key.secret, &new.secret] {
        let denied = api.projects(secret).await.assert_problem(401, "paused_key");
        assert!(denied.header("www-authenticate").contains("error=\"invalid_token\""), "{denied:?}");
        let problem = denied.json();
        assert_eq!((&problem["paused_until"], &problem["key"]), (&Value::Null, &json!(key.id)));
        assert!(problem["message"].as_str().unwrap().contains("Resume it"), "{problem}");
    }
    let resumed = api.resume(&key).await.ok().json();
    assert_eq!((&resumed["status"], &resumed["paused"]), (&json!("active"), &Value::Null));
    assert_eq!(resumed["propagation"]["confirmed"], 1);
    for secret in [&key.secret, &new.secret] {
        api.projects(secret).await.ok();
    }
    // A second resume changes nothing.
    assert_eq!(api.resume(&key).await.ok().json()["revision"], resumed["revision"]);
}

#[tokio::test]
async fn paused_key_is_allowed_exactly_from_pause_end() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let before = jiff::Timestamp::now();
    let paused = api.pause(&key, json!({ "duration": "2s" })).await.ok().json();
    let ends = time(&paused["paused"]["until"]);
    let span = jiff::SignedDuration::from_secs(2);
    assert!((before + span..=jiff::Timestamp::now() + span).contains(&ends), "{ends}");
    wait_until("the pause has ended", async || {
        let sent_at = jiff::Timestamp::now();
        let answer = api.projects(&key.secret).await;
        if answer.status == 200 {
            assert!(jiff::Timestamp::now() >= ends, "allowed before the end of the pause");
            return Some(());
        }
        assert!(sent_at < ends, "denied after the end of the pause");
        let body = answer.problem(401, "paused_key");
        assert_eq!(time(&body["paused_until"]), ends);
        assert!(body["message"].as_str().unwrap().contains("wait until then"), "{body}");
        None
    })
    .await;
    let read = api.read(&key).await;
    assert_eq!((&read["status"], &read["paused"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn verify_and_forward_auth_of_paused_key_are_denied() {
    let api = Api::start().await;
    let key = api.create_key_with(&["inference"]).await;
    let question = json!({ "workspace": SLUG, "permission": "models:predict" });
    let proxy = async || {
        let request = api.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
        let request = request.header("x-keyrack-for-workspace", SLUG);
        send(request.header("x-keyrack-permission", "models:predict")).await
    };
    api.server.post("/api/v1/verify", &key.secret, question.clone()).await.ok();
    assert_eq!(proxy().await.status, 204);
    api.pause(&key, json!({ "duration": "10m" })).await.ok();
    api.server.post("/api/v1/verify", &key.secret, question.clone()).await.assert_problem(401, "paused_key");
    proxy().await.assert_problem(401, "paused_key");
    api.resume(&key).await.ok();
    api.server.post("/api/v1/verify", &key.secret, question).await.ok();
    assert_eq!(proxy().await.status, 204);
}

#[tokio::test]
async fn pause_precedes_expiry_and_follows_deletion() {
    let api = Api::start().await;
    let key = api
        .create_key(json!({ "name": "n", "scopes": ["project"], "expiresAt": millis_from_now(200) }))
        .await;
    wait_until("the key expires", async || (api.read(&key).await["status"] == "expired").then_some(())).await;
    api.pause(&key, json!({})).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "paused_key");
    assert_eq!(api.read(&key).await["status"], "paused");
    api.resume(&key).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "expired_key");
    api.pause(&key, json!({})).await.ok();
    api.delete(&key.path()).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "deleted_key");
    let read = api.read(&key).await;
    assert_eq!((&read["status"], &read["paused"]), (&json!("deleted"), &Value::Null));
    api.pause(&key, json!({})).await.assert_problem(409, "deleted_key");
    api.resume(&key).await.assert_problem(409, "deleted_key");
}

#[tokio::test]
async fn weaker_key_can_pause_but_not_resume() {
    let api = Api::start().await;
    let (key, weak) = (api.create_key_with(&["project"]).await, api.create_key_with(&["keys"]).await);
    let by_weak = async |what: &str, body: Value| {
        api.server.post(&format!("{}/{what}", key.path()), &weak.secret, body).await
    };
    by_weak("pause", json!({ "duration": "10m" })).await.ok();
    api.projects(&key.secret).await.assert_problem(401, "paused_key");
    by_weak("resume", json!({})).await.assert_problem(403, "beyond_key");
    // A shorter pause in place of a longer one would be an early resume.
    by_weak("pause", json!({ "duration": "1s" })).await.assert_problem(403, "beyond_key");
    by_weak("pause", json!({ "duration": "1h" })).await.ok();
    by_weak("pause", json!({})).await.ok();
    by_weak("pause", json!({ "duration": "30d" })).await.assert_problem(403, "beyond_key");
    api.projects(&key.secret).await.assert_problem(401, "paused_key");
    // A key with at least the same permissions can do both.
    api.pause(&key, json!({ "duration": "10m" })).await.ok();
    api.resume(&key).await.ok();
    api.projects(&key.secret).await.ok();
    let without = api.create_key_with(&["project"]).await;
    let path = format!("{}/pause", key.path());
    api.server.post(&path, &without.secret, json!({})).await.assert_problem(403, "insufficient_scope");
}

#[tokio::test]
async fn paused_key_cannot_resume_itself() {
    let api = Api::start().await;
    let (key, other) = (api.create_key_with(&["keys"]).await, api.create_key_with(&["keys"]).await);
    api.server.post(&format!("{}/pause", key.path()), &key.secret, json!({})).await.ok();
    for path in [format!("{}/resume", key.path()), format!("{}/pause", other.path())] {
        api.server.post(&path, &key.secret, json!({})).await.assert_problem(401, "paused_key");
    }
}

#[tokio::test]
async fn pause_duration_over_30_days_is_rejected() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    for wrong in ["", "0s", "a day", "-1h", "31d", "2592001s", "99999999999999999999d", "10 m"] {
        let denied = api
            .pause(&key, json!({ "duration": wrong }))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error("duration");
        assert!(denied.text.contains("30d"), "{denied:?}");
    }
    for wrong in [json!({ "duration": 10 }), json!({ "span": "10m" })] {
        api.pause(&key, wrong).await.assert_problem(422, "invalid");
    }
    api.projects(&key.secret).await.ok();
    // Without a body or with null, the pause lasts until the key is resumed.
    let path = format!("{}/pause", key.path());
    send(api.request(Method::POST, &path)).await.ok();
    assert_eq!(api.read(&key).await["paused"]["until"], Value::Null);
    api.pause(&key, json!({ "duration": "30d" })).await.ok();
    api.pause(&key, json!({ "duration": null })).await.ok();
    for missing in ["key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f", "nonsense"] {
        for what in ["pause", "resume", "retire"] {
            let path = format!("/api/v1/keys/{missing}/{what}");
            api.post(&path, json!({})).await.assert_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn key_list_filters_paused_keys() {
    let api = Api::start().await;
    for name in ["works", "paused", "over"] {
        api.create_key(json!({ "name": name, "scopes": ["project"] })).await;
    }
    let of =
        async |query: &str| api.get(&format!("/api/v1/keys?q={query}")).await.ok().json()["items"][0].clone();
    let pause = async |name: &str, body: Value| {
        let path = format!("/api/v1/keys/{}/pause", of(name).await["id"].as_str().unwrap());
        api.post(&path, body).await.ok()
    };
    pause("paused", json!({})).await;
    pause("over", json!({ "duration": "1s" })).await;
    wait_until("the pause has ended", async || (of("over").await["status"] == "active").then_some(())).await;
    let names = async |status: &str| {
        let answer = api.get(&format!("/api/v1/keys?status={status}")).await.ok();
        answer.item_names().into_iter().filter(|name| name != "of a test").collect::<Vec<_>>()
    };
    assert_eq!(names("paused").await, ["paused"]);
    assert_eq!(names("active").await, ["over", "works"]);
    assert_eq!(names("any").await, ["over", "paused", "works"]);
    assert!(names("expired").await.is_empty());
    api.get("/api/v1/keys?status=asleep").await.assert_problem(422, "invalid").assert_field_error("status");
}

#[tokio::test]
async fn pause_survives_restart_and_counts_denials() {
    let mut api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    api.pause(&key, json!({})).await.ok();
    api.server.restart().await;
    for _ in 0..3 {
        api.projects(&key.secret).await.assert_problem(401, "paused_key");
    }
    let path = format!("{}/usage", key.path());
    wait_until("the denials are recorded", async || {
        let items = api.get(&path).await.ok().json()["items"].as_array().unwrap().clone();
        let paused = items.iter().filter(|one| one["outcome"] == "paused_key");
        (paused.map(|one| one["checks"].as_u64().unwrap()).sum::<u64>() == 3).then_some(())
    })
    .await;
    assert_eq!(api.read(&key).await["lastUsed"], Value::Null, "a denied request is not a use");
}
