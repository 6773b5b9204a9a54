//! Many clients at one quota: all of it comes through and no more, also when the server is killed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::desk::Desk;
use crate::harness::{SLUG, text, until};

const CLIENTS: usize = 64;
const LIMIT: u32 = 1_000;

/// How often it is done: it takes seconds each time.
fn rounds() -> usize {
    if std::env::var_os("KEYRACK_LONG").is_some() { 20 } else { 2 }
}

async fn key(desk: &Desk) -> String {
    let quotas = json!([
        { "of": "predictions", "limit": LIMIT, "per": "month" },
        { "of": "predictions", "limit": 3 * LIMIT, "per": "day" },
    ]);
    let key = json!({ "name": "crowd", "scopes": ["inference"], "restrictions": { "quotas": quotas } });
    desk.make(key).await.secret
}

/// Clients that predict until each is refused, or the server is gone; how many were let through is counted in `passed`.
fn crowd(desk: &Desk, secret: &str, passed: &Arc<AtomicU32>) -> JoinSet<Option<u16>> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let question = json!({ "workspace": SLUG, "permission": "models:predict", "spend": true });
        let request = desk.server.request(Method::POST, "/api/v1/verify").bearer_auth(secret).json(&question);
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
async fn sixty_four_clients_get_a_quota_through_and_not_one_more() {
    let desk = Desk::open().await;
    for round in 0..rounds() {
        let (secret, passed) = (key(&desk).await, Arc::default());
        let ended = crowd(&desk, &secret, &passed).join_all().await;
        assert!(ended.iter().all(|status| *status == Some(429)), "round {round}: {ended:?}");
        assert_eq!(passed.load(Ordering::SeqCst), LIMIT, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_lets_no_more_through_in_all() {
    let mut desk = Desk::open().await;
    for round in 0..rounds() {
        let (secret, passed) = (key(&desk).await, Arc::<AtomicU32>::default());
        let enough = 100 + u32::try_from(round).unwrap() * 40;
        let clients = crowd(&desk, &secret, &passed);
        until("the crowd is let through", async || (passed.load(Ordering::SeqCst) >= enough).then_some(()))
            .await;
        desk.server.kill();
        clients.join_all().await;
        desk.server.restart().await;
        let before = passed.load(Ordering::SeqCst);
        let ended = crowd(&desk, &secret, &passed).join_all().await;
        assert!(ended.iter().all(|status| *status == Some(429)), "round {round}: {ended:?}");
        let all = passed.load(Ordering::SeqCst);
        // Whoever was let through and never heard of it is lost, and so is the block: both are within this.
        let lost = 64 + u32::try_from(CLIENTS).unwrap();
        assert!(all <= LIMIT && all + lost >= LIMIT && all > before, "round {round}: {before}, then {all}");
        let id = desk.get("/api/v1/keys").await.ok().json()["items"][0]["id"].clone();
        let shown = desk.get(&format!("/api/v1/keys/{}", text(&id))).await.ok().json();
        assert_eq!(shown["quotas"][1]["used"], LIMIT, "{shown}");
    }
}
