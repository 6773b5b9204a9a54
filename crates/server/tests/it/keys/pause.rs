//! A key is refused for a while, and works again as it was.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, Made, in_millis};
use crate::harness::{Answer, SLUG, send, until};

impl Desk {
    async fn pause(&self, key: &Made, body: Value) -> Answer {
        self.post(&format!("{}/pause", key.path()), body).await
    }

    async fn resume(&self, key: &Made) -> Answer {
        self.post(&format!("{}/resume", key.path()), json!({})).await
    }
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

#[tokio::test]
async fn a_paused_key_is_refused_when_that_is_answered_and_works_again_when_it_is_resumed() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let old = Made { id: key.id.clone(), secret: key.secret.clone(), body: Value::Null };
    let new = desk.rotate(&old, "24h").await;
    let answer = desk.pause(&key, json!({})).await.ok();
    let paused = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", paused["revision"]));
    assert_eq!((&paused["status"], &paused["paused"]["until"]), (&json!("paused"), &Value::Null));
    assert_eq!(paused["paused"]["by"], key.body["createdBy"]);
    let propagation =
        json!({ "revision": paused["revision"], "nodes": 1, "confirmed": 1, "unconfirmed": [] });
    assert_eq!(paused["propagation"], propagation);
    for secret in [&key.secret, &new.secret] {
        let refused = desk.projects(secret).await.refused(401, "paused_key");
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
        let says = refused.json();
        assert_eq!((&says["paused_until"], &says["key"]), (&Value::Null, &json!(key.id)));
        assert!(says["message"].as_str().unwrap().contains("until somebody resumes it"), "{says}");
    }
    let resumed = desk.resume(&key).await.ok().json();
    assert_eq!((&resumed["status"], &resumed["paused"]), (&json!("active"), &Value::Null));
    assert_eq!(resumed["propagation"]["confirmed"], 1);
    for secret in [&key.secret, &new.secret] {
        desk.projects(secret).await.ok();
    }
    // Once more is no change.
    assert_eq!(desk.resume(&key).await.ok().json()["revision"], resumed["revision"]);
}

#[tokio::test]
async fn a_pause_ends_by_itself_and_not_before() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let before = jiff::Timestamp::now();
    let paused = desk.pause(&key, json!({ "duration": "2s" })).await.ok().json();
    let ends = time(&paused["paused"]["until"]);
    let span = jiff::SignedDuration::from_secs(2);
    assert!((before + span..=jiff::Timestamp::now() + span).contains(&ends), "{ends}");
    until("the pause is over", async || {
        let asked = jiff::Timestamp::now();
        let answer = desk.projects(&key.secret).await;
        if answer.status == 200 {
            assert!(jiff::Timestamp::now() >= ends, "let through before the end");
            return Some(());
        }
        assert!(asked < ends, "refused after the end");
        let says = answer.problem(401, "paused_key");
        assert_eq!(time(&says["paused_until"]), ends);
        assert!(says["message"].as_str().unwrap().contains("works again by itself"), "{says}");
        None
    })
    .await;
    let read = desk.read(&key).await;
    assert_eq!((&read["status"], &read["paused"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn whoever_asks_about_a_paused_key_hears_the_same() {
    let desk = Desk::open().await;
    let key = desk.key(&["inference"]).await;
    let question = json!({ "workspace": SLUG, "permission": "models:predict" });
    let proxy = async || {
        let request = desk.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
        let request = request.header("x-keyrack-for-workspace", SLUG);
        send(request.header("x-keyrack-permission", "models:predict")).await
    };
    desk.server.post("/api/v1/verify", &key.secret, question.clone()).await.ok();
    assert_eq!(proxy().await.status, 204);
    desk.pause(&key, json!({ "duration": "10m" })).await.ok();
    desk.server.post("/api/v1/verify", &key.secret, question.clone()).await.refused(401, "paused_key");
    proxy().await.refused(401, "paused_key");
    desk.resume(&key).await.ok();
    desk.server.post("/api/v1/verify", &key.secret, question).await.ok();
    assert_eq!(proxy().await.status, 204);
}

#[tokio::test]
async fn paused_comes_before_expired_and_after_deleted() {
    let desk = Desk::open().await;
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "expiresAt": in_millis(200) })).await;
    until("it expires", async || (desk.read(&key).await["status"] == "expired").then_some(())).await;
    desk.pause(&key, json!({})).await.ok();
    desk.projects(&key.secret).await.refused(401, "paused_key");
    assert_eq!(desk.read(&key).await["status"], "paused");
    desk.resume(&key).await.ok();
    desk.projects(&key.secret).await.refused(401, "expired_key");
    desk.pause(&key, json!({})).await.ok();
    desk.delete(&key.path()).await.ok();
    desk.projects(&key.secret).await.refused(401, "deleted_key");
    let read = desk.read(&key).await;
    assert_eq!((&read["status"], &read["paused"]), (&json!("deleted"), &Value::Null));
    desk.pause(&key, json!({})).await.refused(409, "deleted_key");
    desk.resume(&key).await.refused(409, "deleted_key");
}

#[tokio::test]
async fn pausing_is_always_allowed_and_resuming_gives() {
    let desk = Desk::open().await;
    let (key, weak) = (desk.key(&["project"]).await, desk.key(&["keys"]).await);
    let by_weak = async |what: &str, body: Value| {
        desk.server.post(&format!("{}/{what}", key.path()), &weak.secret, body).await
    };
    by_weak("pause", json!({ "duration": "10m" })).await.ok();
    desk.projects(&key.secret).await.refused(401, "paused_key");
    by_weak("resume", json!({})).await.refused(403, "beyond_key");
    // A shorter pause in place of a longer one would be a resumption by another name.
    by_weak("pause", json!({ "duration": "1s" })).await.refused(403, "beyond_key");
    by_weak("pause", json!({ "duration": "1h" })).await.ok();
    by_weak("pause", json!({})).await.ok();
    by_weak("pause", json!({ "duration": "30d" })).await.refused(403, "beyond_key");
    desk.projects(&key.secret).await.refused(401, "paused_key");
    // Whoever holds as much may do both.
    desk.pause(&key, json!({ "duration": "10m" })).await.ok();
    desk.resume(&key).await.ok();
    desk.projects(&key.secret).await.ok();
    let without = desk.key(&["project"]).await;
    let path = format!("{}/pause", key.path());
    desk.server.post(&path, &without.secret, json!({})).await.refused(403, "insufficient_scope");
}

#[tokio::test]
async fn a_paused_key_manages_nothing_itself_among_it() {
    let desk = Desk::open().await;
    let (key, other) = (desk.key(&["keys"]).await, desk.key(&["keys"]).await);
    desk.server.post(&format!("{}/pause", key.path()), &key.secret, json!({})).await.ok();
    for path in [format!("{}/resume", key.path()), format!("{}/pause", other.path())] {
        desk.server.post(&path, &key.secret, json!({})).await.refused(401, "paused_key");
    }
}

#[tokio::test]
async fn a_pause_is_a_span_of_at_most_30_days() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    for wrong in ["", "0s", "a day", "-1h", "31d", "2592001s", "99999999999999999999d", "10 m"] {
        let refused =
            desk.pause(&key, json!({ "duration": wrong })).await.refused(422, "invalid").names("duration");
        assert!(refused.text.contains("30d"), "{refused:?}");
    }
    for wrong in [json!({ "duration": 10 }), json!({ "span": "10m" })] {
        desk.pause(&key, wrong).await.refused(422, "invalid");
    }
    desk.projects(&key.secret).await.ok();
    // Without a body, or with null: until resumed.
    let path = format!("{}/pause", key.path());
    send(desk.request(Method::POST, &path)).await.ok();
    assert_eq!(desk.read(&key).await["paused"]["until"], Value::Null);
    desk.pause(&key, json!({ "duration": "30d" })).await.ok();
    desk.pause(&key, json!({ "duration": null })).await.ok();
    for missing in ["key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f", "nonsense"] {
        for what in ["pause", "resume", "retire"] {
            let path = format!("/api/v1/keys/{missing}/{what}");
            desk.post(&path, json!({})).await.refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn lists_find_paused_keys_by_their_status() {
    let desk = Desk::open().await;
    for name in ["works", "paused", "over"] {
        desk.make(json!({ "name": name, "scopes": ["project"] })).await;
    }
    let of = async |query: &str| {
        desk.get(&format!("/api/v1/keys?q={query}")).await.ok().json()["items"][0].clone()
    };
    let pause = async |name: &str, body: Value| {
        let path = format!("/api/v1/keys/{}/pause", of(name).await["id"].as_str().unwrap());
        desk.post(&path, body).await.ok()
    };
    pause("paused", json!({})).await;
    pause("over", json!({ "duration": "1s" })).await;
    until("the pause is over", async || (of("over").await["status"] == "active").then_some(())).await;
    let names = async |status: &str| {
        let answer = desk.get(&format!("/api/v1/keys?status={status}")).await.ok();
        answer.item_names().into_iter().filter(|name| name != "of a test").collect::<Vec<_>>()
    };
    assert_eq!(names("paused").await, ["paused"]);
    assert_eq!(names("active").await, ["over", "works"]);
    assert_eq!(names("any").await, ["over", "paused", "works"]);
    assert!(names("expired").await.is_empty());
    desk.get("/api/v1/keys?status=asleep").await.refused(422, "invalid").names("status");
}

#[tokio::test]
async fn a_pause_outlives_a_restart_and_what_was_refused_is_counted() {
    let mut desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    desk.pause(&key, json!({})).await.ok();
    desk.server.restart().await;
    for _ in 0..3 {
        desk.projects(&key.secret).await.refused(401, "paused_key");
    }
    let path = format!("{}/usage", key.path());
    until("the refusals are written down", async || {
        let items = desk.get(&path).await.ok().json()["items"].as_array().unwrap().clone();
        let paused = items.iter().filter(|one| one["outcome"] == "paused_key");
        (paused.map(|one| one["checks"].as_u64().unwrap()).sum::<u64>() == 3).then_some(())
    })
    .await;
    assert_eq!(desk.read(&key).await["lastUsed"], Value::Null, "a refused call is no use");
}
