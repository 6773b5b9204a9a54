//! What a workspace demands of its keys, over the API.

use keyrack_store::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cast::{Browser, Cast};
use crate::desk::{Desk, in_millis};
use crate::harness::{Answer, EMAIL, send};

const DAY: i64 = 24 * 3_600 * 1_000;

async fn set(desk: &Desk, owner: &Browser, patch: Value) -> Answer {
    let request = owner.request(&desk.server, Method::PATCH, "/api/v1/workspace");
    send(request.header("x-keyrack-workspace", crate::harness::SLUG).json(&patch)).await
}

#[tokio::test]
async fn a_key_lives_as_long_as_the_workspace_lets_it_and_no_longer() {
    let desk = Desk::open().await;
    let owner = Browser::signed_in(&desk.server, EMAIL).await;
    let for_ever = desk.key(&["inference"]).await;
    let answer =
        set(&desk, &owner, json!({ "maxKeyLifetimeDays": 90, "rotateAfterDays": 30 })).await.ok().json();
    assert_eq!((&answer["maxKeyLifetimeDays"], &answer["rotateAfterDays"]), (&json!(90), &json!(30)));
    assert_eq!(desk.get("/api/v1/workspace").await.ok().json(), answer);

    // Left out means the longest life.
    let before = jiff::Timestamp::now();
    let key = desk.key(&["inference"]).await;
    let ends: jiff::Timestamp = key.body["expiresAt"].as_str().unwrap().parse().unwrap();
    let days = jiff::SignedDuration::from_hours(90 * 24);
    assert!((before + days..=jiff::Timestamp::now() + days).contains(&ends), "{ends}");

    let late = json!({ "name": "n", "scopes": ["inference"], "expiresAt": in_millis(91 * DAY) });
    let says = desk.post("/api/v1/keys", late).await.refused(422, "invalid").names("expiresAt").json();
    let message = says["message"].as_str().unwrap();
    assert!(message.contains("at most 90 days") && message.contains("longest life of a key"), "{says}");
    desk.make(json!({ "name": "n", "scopes": ["inference"], "expiresAt": in_millis(89 * DAY) })).await;
    for end in [Value::Null, json!(in_millis(91 * DAY))] {
        let answer = desk.patch(&key.path(), json!({ "expiresAt": end })).await;
        answer.refused(422, "invalid").names("expiresAt");
    }
    desk.patch(&key.path(), json!({ "expiresAt": in_millis(DAY) })).await.ok();

    // What exists stays as it is, and is edited all the same.
    let edited = desk.patch(&for_ever.path(), json!({ "name": "old", "expiresAt": null })).await.ok().json();
    assert_eq!((&edited["name"], &edited["expiresAt"]), (&json!("old"), &Value::Null));
    desk.rotate(&for_ever, "1h").await;

    set(&desk, &owner, json!({ "maxKeyLifetimeDays": null })).await.ok();
    assert_eq!(desk.key(&["inference"]).await.body["expiresAt"], Value::Null);
}

#[tokio::test]
async fn a_key_reads_the_policy_and_does_not_set_it() {
    let desk = Desk::open().await;
    assert_eq!(desk.get("/api/v1/workspace").await.ok().json()["maxKeyLifetimeDays"], Value::Null);
    for patch in
        [json!({ "maxKeyLifetimeDays": 1 }), json!({ "rotateAfterDays": null }), json!({ "name": "x" })]
    {
        desk.patch("/api/v1/workspace", patch).await.refused(403, "no_keys_here");
    }
    assert_eq!(desk.get("/api/v1/workspace").await.ok().json()["name"], crate::harness::WORKSPACE);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let desk = Desk::open().await;
    let owner = Browser::signed_in(&desk.server, EMAIL).await;
    for days in [json!(0), json!(-1), json!(1.5), json!(3_651), json!(u64::MAX), json!("90"), json!([90])] {
        for field in ["maxKeyLifetimeDays", "rotateAfterDays"] {
            set(&desk, &owner, json!({ field: days })).await.refused(422, "invalid").names(field);
        }
    }
    for name in ["", " ", "a\u{202E}b", &"é".repeat(101)] {
        set(&desk, &owner, json!({ "name": name })).await.refused(422, "invalid").names("name");
    }
    set(&desk, &owner, json!({ "name": "Northfield 2", "slug": "x" }))
        .await
        .refused(422, "invalid")
        .names("slug");
    let unchanged = desk.get("/api/v1/activity?action=workspace_edited").await.ok().json();
    assert_eq!(unchanged["items"], json!([]));
}

#[tokio::test]
async fn owners_and_admins_set_it_and_each_change_is_told() {
    let cast = Cast::assemble().await;
    let patch = async |role, body: Value| {
        let request = cast.member(role).request(&cast.server, Method::PATCH, "/api/v1/workspace");
        send(request.header("x-keyrack-workspace", "ours").json(&body)).await
    };
    for role in [Role::Viewer, Role::Member] {
        patch(role, json!({ "maxKeyLifetimeDays": 7 })).await.problem(403, "insufficient_role");
    }
    assert_eq!(patch(Role::Admin, json!({ "maxKeyLifetimeDays": 7 })).await.status, 200);
    assert_eq!(patch(Role::Owner, json!({ "name": "Ours, renamed" })).await.status, 200);
    let told = cast.server.get("/api/v1/activity?action=workspace_edited", cast.key()).await.json();
    let details: Vec<_> = told["items"].as_array().unwrap().iter().map(|entry| &entry["detail"]).collect();
    assert_eq!(
        details,
        [
            &json!({ "name": { "before": "ours", "after": "Ours, renamed" } }),
            &json!({ "maxKeyLifetimeDays": { "before": null, "after": 7 } }),
        ]
    );
    assert_eq!(told["items"][1]["actorName"], "admin");
    // The other workspace has its own.
    assert_eq!(
        cast.server.get("/api/v1/workspace", &cast.their_key).await.json()["maxKeyLifetimeDays"],
        Value::Null
    );
}

#[tokio::test]
async fn a_secret_that_is_older_than_the_workspace_wants_is_spoken_of_until_it_is_rotated() {
    // Its keys are of years ago.
    let cast = Cast::assemble().await;
    let path = format!("/api/v1/keys/{}", cast.ours.key);
    let advice = async || {
        let answer = cast.server.get(&format!("{path}/recommendations"), cast.key()).await.ok().json();
        let all = answer["items"].as_array().unwrap();
        all.iter().map(|one| one["code"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(advice().await, ["unused"]);
    let owner = cast.member(Role::Owner);
    let request = owner.request(&cast.server, Method::PATCH, "/api/v1/workspace");
    let request = request.header("x-keyrack-workspace", cast.ours.slug);
    send(request.json(&json!({ "rotateAfterDays": 30 }))).await.ok();
    assert_eq!(advice().await, ["old_secret", "unused"]);
    let page = format!("/w/ours/settings/api-keys/{}", cast.ours.key);
    let page = send(owner.request(&cast.server, Method::GET, &page)).await;
    assert!(
        page.text.contains("this workspace wants a new one after 30 days") && page.text.contains("Rotate it"),
        "{page:?}"
    );
    cast.server.post(&format!("{path}/rotate"), cast.key(), json!({ "gracePeriod": "1h" })).await.ok();
    assert_eq!(advice().await, ["unused"]);
}
