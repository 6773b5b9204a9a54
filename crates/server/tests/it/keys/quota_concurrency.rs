//! Concurrent clients use exactly the quota of a key, also if the server is killed in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::harness::{SLUG, text, wait_until};

const CLIENTS: usize = 64;
const LIMIT: u32 = 1_000;

/// The number of rounds. Each round takes seconds.
fn rounds() -> usize {
    if std::env::var_os("KEYRACK_LONG").is_some() { 20 } else { 2 }
}

async fn key(api: &Api) -> String {
    let quotas = json!([
        { "of": "predictions", "limit": LIMIT, "per": "month" },
        { "of": "predictions", "limit": 3 * LIMIT, "per": "day" },
    ]);
    let key = json!({ "name": "crowd", "scopes": ["inference"], "restrictions": { "quotas": quotas } });
    api.create_key(key).await.secret
}

/// Starts clients that predict until each is denied or the server is gone. `passed` counts the allowed requests.
fn predict_until_denied(api: &Api, secret: &str, passed: &Arc<AtomicU32>) -> JoinSet<Option<u16>> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let question = json!({ "workspace": SLUG, "permission": "models:predict", "spend": true });
        let request = api.server.request(Method::POST, "/api/v1/verify").bearer_auth(secret).json(&question);
        let passed = Arc::clone(passed);
        clients.spawn(async move {
            loop {
                let status = request.try_clone()?.send().await.ok()?.status().as_u16();
                if status != 200 {
                    return Some(status);
                }
                passed.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    clients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_clients_use_exactly_the_quota() {
    let api = Api::start().await;
    for round in 0..rounds() {
        let (secret, passed) = (key(&api).await, Arc::default());
        let ended = predict_until_denied(&api, &secret, &passed).join_all().await;
        assert!(ended.iter().all(|status| *status == Some(429)), "round {round}: {ended:?}");
        assert_eq!(passed.load(Ordering::SeqCst), LIMIT, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quota_is_not_exceeded_after_kill() {
    let mut api = Api::start().await;
    for round in 0..rounds() {
        let (secret, passed) = (key(&api).await, Arc::<AtomicU32>::default());
        let enough = 100 + u32::try_from(round).unwrap() * 40;
        let clients = predict_until_denied(&api, &secret, &passed);
        wait_until("enough requests are allowed", async || {
            (passed.load(Ordering::SeqCst) >= enough).then_some(())
        })
        .await;
        api.server.kill();
        clients.join_all().await;
        api.server.restart().await;
        let before = passed.load(Ordering::SeqCst);
        let ended = predict_until_denied(&api, &secret, &passed).join_all().await;
        assert!(ended.iter().all(|status| *status == Some(429)), "round {round}: {ended:?}");
        let all = passed.load(Ordering::SeqCst);
        // Two things are lost: allowed requests whose response didn't arrive, and the current block. Both are within this
        // bound.
        let lost = 64 + u32::try_from(CLIENTS).unwrap();
        assert!(all <= LIMIT && all + lost >= LIMIT && all > before, "round {round}: {before}, then {all}");
        let id = api.get("/api/v1/keys").await.ok().json()["items"][0]["id"].clone();
        let shown = api.get(&format!("/api/v1/keys/{}", text(&id))).await.ok().json();
        assert_eq!(shown["quotas"][1]["used"], LIMIT, "{shown}");
    }
}
