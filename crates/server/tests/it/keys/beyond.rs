//! A key with the Keys scope gives no more than it holds.

use serde_json::{Value, json};

use crate::desk::{Desk, Made, in_millis};

/// A key that manages keys, held narrow by `held`.
async fn manager(desk: &Desk, held: Value) -> Made {
    let mut wanted = json!({ "name": "manager", "scopes": ["keys", "inference"] });
    wanted.as_object_mut().unwrap().extend(held.as_object().unwrap().clone());
    desk.make(wanted).await
}

/// Tries to make a key like this, to turn one into it, and to take it over by rotation: all of it is refused.
async fn never_gives(desk: &Desk, by: &Made, beyond: Value) {
    let server = &desk.server;
    server.post("/api/v1/keys", &by.secret, beyond.clone()).await.refused(403, "beyond_key");
    let target = desk.make(beyond.clone()).await;
    server.patch(&target.path(), &by.secret, json!({ "name": "mine" })).await.refused(403, "beyond_key");
    let rotate = format!("{}/rotate", target.path());
    server.post(&rotate, &by.secret, json!({ "gracePeriod": "0s" })).await.refused(403, "beyond_key");
    assert_eq!(desk.read(&target).await["revision"], target.body["revision"]);
    // Ending one is always allowed.
    server.delete(&target.path(), &by.secret).await.ok();
}

#[tokio::test]
async fn not_more_scopes() {
    let desk = Desk::open().await;
    let by = manager(&desk, json!({})).await;
    never_gives(&desk, &by, json!({ "name": "n", "scopes": ["project"] })).await;
    never_gives(&desk, &by, json!({ "name": "n", "scopes": ["project", "inference"] })).await;
    let own = desk.make_by(&by.secret, json!({ "name": "n", "scopes": ["inference"] })).await;
    let widened = json!({ "scopes": ["inference", "project"] });
    desk.server.patch(&own.path(), &by.secret, widened).await.refused(403, "beyond_key");
    desk.server.patch(&own.path(), &by.secret, json!({ "scopes": ["inference", "keys"] })).await.ok();
}

#[tokio::test]
async fn not_fewer_restrictions() {
    let desk = Desk::open().await;
    let by = manager(&desk, json!({ "restrictions": { "networks": ["127.0.0.0/8"] } })).await;
    let wanted =
        |restrictions: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": restrictions });
    never_gives(&desk, &by, wanted(json!({}))).await;
    never_gives(&desk, &by, wanted(json!({ "networks": ["126.0.0.0/7"] }))).await;
    never_gives(&desk, &by, wanted(json!({ "networks": ["127.0.0.1/32", "10.0.0.0/8"] }))).await;
    let own = desk.make_by(&by.secret, wanted(json!({ "networks": ["127.0.0.1/32"] }))).await;
    for wider in [json!({}), json!({ "networks": ["0.0.0.0/0"] })] {
        let change = json!({ "restrictions": wider });
        desk.server.patch(&own.path(), &by.secret, change).await.refused(403, "beyond_key");
    }
    desk.server
        .patch(&own.path(), &by.secret, json!({ "restrictions": { "networks": ["127.0.0.0/8"] } }))
        .await
        .ok();
}

#[tokio::test]
async fn not_more_projects() {
    let desk = Desk::open().await;
    let (mine, other) = (desk.project("mine").await, desk.project("other").await);
    let by = manager(&desk, json!({ "restrictions": { "projects": [mine] } })).await;
    let wanted = |projects: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": { "projects": projects } });
    never_gives(&desk, &by, wanted(json!([other]))).await;
    never_gives(&desk, &by, wanted(json!([mine, other]))).await;
    never_gives(&desk, &by, json!({ "name": "n", "scopes": ["inference"] })).await;
    desk.make_by(&by.secret, wanted(json!([mine]))).await;
    desk.make_by(&by.secret, wanted(json!([]))).await;
}

#[tokio::test]
async fn not_a_longer_life() {
    let desk = Desk::open().await;
    let by = manager(&desk, json!({ "expiresAt": in_millis(600_000) })).await;
    never_gives(&desk, &by, json!({ "name": "n", "scopes": ["inference"] })).await;
    never_gives(&desk, &by, json!({ "name": "n", "scopes": ["inference"], "expiresAt": in_millis(900_000) }))
        .await;
    let wanted = json!({ "name": "n", "scopes": ["inference"], "expiresAt": in_millis(300_000) });
    let own = desk.make_by(&by.secret, wanted).await;
    let change = json!({ "expiresAt": null });
    desk.server.patch(&own.path(), &by.secret, change).await.refused(403, "beyond_key");
    desk.server
        .patch(&by.path(), &by.secret, json!({ "expiresAt": in_millis(900_000) }))
        .await
        .refused(403, "beyond_key");
}

#[tokio::test]
async fn what_it_gave_is_narrowed_with_it_from_the_next_request_on() {
    let desk = Desk::open().await;
    let by = manager(&desk, json!({})).await;
    desk.patch(&by.path(), json!({ "scopes": ["keys"] })).await.ok();
    let wanted = json!({ "name": "n", "scopes": ["inference"] });
    desk.server.post("/api/v1/keys", &by.secret, wanted).await.refused(403, "beyond_key");
}
