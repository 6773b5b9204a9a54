//! A request with a name is carried out once.

use reqwest::Method;
use serde_json::json;

use crate::desk::{Desk, Made};
use crate::harness::{Answer, send, text};

async fn make(desk: &Desk, secret: &str, once: &str) -> Answer {
    let request = desk.server.request(Method::POST, "/api/v1/keys").bearer_auth(secret);
    send(request.header("idempotency-key", once).json(&json!({ "name": "once", "scopes": ["inference"] })))
        .await
}

async fn count(desk: &Desk) -> usize {
    desk.get("/api/v1/keys?q=once").await.ok().item_names().len()
}

#[tokio::test]
async fn a_request_sent_again_makes_no_second_key_and_names_the_first() {
    let desk = Desk::open().await;
    let first = Made::of(make(&desk, &desk.master, "a").await.ok().json());
    let again = make(&desk, &desk.master, "a").await.refused(409, "already_done");
    assert_eq!(text(&again.json()["key"]), first.id);
    assert!(!again.text.contains(&first.secret[6..38]));
    assert_eq!(count(&desk).await, 1);
    make(&desk, &desk.master, "b").await.ok();
    assert_eq!(count(&desk).await, 2);
}

#[tokio::test]
async fn of_many_at_the_same_time_one_is_carried_out() {
    let desk = Desk::open().await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let request = desk.request(Method::POST, "/api/v1/keys").header("idempotency-key", "x");
        waiting.spawn(send(request.json(&json!({ "name": "once", "scopes": ["inference"] }))));
    }
    let mut statuses: Vec<_> = waiting.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(count(&desk).await, 1);
}

#[tokio::test]
async fn the_names_of_different_callers_do_not_collide() {
    let desk = Desk::open().await;
    let other = desk.key(&["keys", "inference"]).await;
    let first = Made::of(make(&desk, &desk.master, "a").await.ok().json());
    let second = Made::of(make(&desk, &other.secret, "a").await.ok().json());
    assert_ne!(first.id, second.id);
}

#[tokio::test]
async fn a_rotation_sent_again_is_not_done_again() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let rotate = async || {
        let request = desk.request(Method::POST, &format!("{}/rotate", key.path()));
        send(request.header("idempotency-key", "r").json(&json!({ "gracePeriod": "0s" }))).await
    };
    let new = Made::of(rotate().await.ok().json());
    assert_eq!(text(&rotate().await.refused(409, "already_done").json()["key"]), key.id);
    desk.projects(&new.secret).await.ok();
}

#[tokio::test]
async fn what_was_refused_can_be_sent_again_under_its_name() {
    let desk = Desk::open().await;
    let request = desk.request(Method::POST, "/api/v1/keys").header("idempotency-key", "a");
    send(request.json(&json!({ "name": "", "scopes": ["project"] }))).await.refused(422, "invalid");
    make(&desk, &desk.master, "a").await.ok();
    for wrong in ["", " ", &"n".repeat(201), "é"] {
        make(&desk, &desk.master, wrong).await.refused(422, "invalid").names("Idempotency-Key");
    }
    assert_eq!(count(&desk).await, 1);
}
