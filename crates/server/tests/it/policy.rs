//! The key policy of a workspace over the API.

use keyrack_store::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, millis_from_now};
use crate::fixtures::{AccessFixture, Session};
use crate::harness::{Answer, EMAIL, send};

const DAY: i64 = 24 * 3_600 * 1_000;

async fn set(api: &Api, owner: &Session, patch: Value) -> Answer {
    let request = owner.request(&api.server, Method::PATCH, "/api/v1/workspace");
    send(request.header("x-keyrack-workspace", crate::harness::SLUG).json(&patch)).await
}

#[tokio::test]
async fn key_expiry_is_limited_by_workspace_policy() {
    let api = Api::start().await;
    let owner = Session::signed_in(&api.server, EMAIL).await;
    let for_ever = api.create_key_with(&["inference"]).await;
    let answer =
        set(&api, &owner, json!({ "maxKeyLifetimeDays": 90, "rotateAfterDays": 30 })).await.ok().json();
    assert_eq!((&answer["maxKeyLifetimeDays"], &answer["rotateAfterDays"]), (&json!(90), &json!(30)));
    assert_eq!(api.get("/api/v1/workspace").await.ok().json(), answer);

    // Without an expiry, the key gets the maximum lifetime.
    let before = jiff::Timestamp::now();
    let key = api.create_key_with(&["inference"]).await;
    let ends: jiff::Timestamp = key.body["expiresAt"].as_str().unwrap().parse().unwrap();
    let days = jiff::SignedDuration::from_hours(90 * 24);
    assert!((before + days..=jiff::Timestamp::now() + days).contains(&ends), "{ends}");

    let late = json!({ "name": "n", "scopes": ["inference"], "expiresAt": millis_from_now(91 * DAY) });
    let problem = api
        .post("/api/v1/keys", late)
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("expiresAt")
        .json();
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("Workspace policy: keys must expire within 90 days."), "{problem}");
    api.create_key(json!({ "name": "n", "scopes": ["inference"], "expiresAt": millis_from_now(89 * DAY) }))
        .await;
    for end in [Value::Null, json!(millis_from_now(91 * DAY))] {
        let answer = api.patch(&key.path(), json!({ "expiresAt": end })).await;
        answer.assert_problem(422, "invalid").assert_field_error("expiresAt");
    }
    api.patch(&key.path(), json!({ "expiresAt": millis_from_now(DAY) })).await.ok();

    // Existing keys stay unchanged and can still be edited.
    let edited = api.patch(&for_ever.path(), json!({ "name": "old", "expiresAt": null })).await.ok().json();
    assert_eq!((&edited["name"], &edited["expiresAt"]), (&json!("old"), &Value::Null));
    api.rotate(&for_ever, "1h").await;

    set(&api, &owner, json!({ "maxKeyLifetimeDays": null })).await.ok();
    assert_eq!(api.create_key_with(&["inference"]).await.body["expiresAt"], Value::Null);
}

#[tokio::test]
async fn key_can_read_but_not_change_policy() {
    let api = Api::start().await;
    assert_eq!(api.get("/api/v1/workspace").await.ok().json()["maxKeyLifetimeDays"], Value::Null);
    for patch in
        [json!({ "maxKeyLifetimeDays": 1 }), json!({ "rotateAfterDays": null }), json!({ "name": "x" })]
    {
        api.patch("/api/v1/workspace", patch).await.assert_problem(403, "no_keys_here");
    }
    assert_eq!(api.get("/api/v1/workspace").await.ok().json()["name"], crate::harness::WORKSPACE);
}

#[tokio::test]
async fn invalid_workspace_settings_are_rejected_by_field() {
    let api = Api::start().await;
    let owner = Session::signed_in(&api.server, EMAIL).await;
    for days in [json!(0), json!(-1), json!(1.5), json!(3_651), json!(u64::MAX), json!("90"), json!([90])] {
        for field in ["maxKeyLifetimeDays", "rotateAfterDays"] {
            set(&api, &owner, json!({ field: days }))
                .await
                .assert_problem(422, "invalid")
                .assert_field_error(field);
        }
    }
    for name in ["", " ", "a\u{202E}b", &"é".repeat(101)] {
        set(&api, &owner, json!({ "name": name }))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error("name");
    }
    set(&api, &owner, json!({ "name": "Northfield 2", "slug": "x" }))
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("slug");
    let unchanged = api.get("/api/v1/activity?action=workspace_edited").await.ok().json();
    assert_eq!(unchanged["items"], json!([]));
}

#[tokio::test]
async fn policy_changes_by_owner_or_admin_are_audited() {
    let fixture = AccessFixture::start().await;
    let patch = async |role, body: Value| {
        let request = fixture.member(role).request(&fixture.server, Method::PATCH, "/api/v1/workspace");
        send(request.header("x-keyrack-workspace", "ours").json(&body)).await
    };
    for role in [Role::Viewer, Role::Member] {
        patch(role, json!({ "maxKeyLifetimeDays": 7 })).await.problem(403, "insufficient_role");
    }
    assert_eq!(patch(Role::Admin, json!({ "maxKeyLifetimeDays": 7 })).await.status, 200);
    assert_eq!(patch(Role::Owner, json!({ "name": "Ours, renamed" })).await.status, 200);
    let entries = fixture.server.get("/api/v1/activity?action=workspace_edited", fixture.key()).await.json();
    let details: Vec<_> = entries["items"].as_array().unwrap().iter().map(|entry| &entry["detail"]).collect();
    assert_eq!(
        details,
        [
            &json!({ "name": { "before": "ours", "after": "Ours, renamed" } }),
            &json!({ "maxKeyLifetimeDays": { "before": null, "after": 7 } }),
        ]
    );
    assert_eq!(entries["items"][1]["actorName"], "admin");
    // The other workspace has its own policy.
    assert_eq!(
        fixture.server.get("/api/v1/workspace", &fixture.their_key).await.json()["maxKeyLifetimeDays"],
        Value::Null
    );
}

#[tokio::test]
async fn old_secret_is_recommended_for_rotation_until_rotated() {
    // The keys of the fixture are years old.
    let fixture = AccessFixture::start().await;
    let path = format!("/api/v1/keys/{}", fixture.ours.key);
    let advice = async || {
        let answer = fixture.server.get(&format!("{path}/recommendations"), fixture.key()).await.ok().json();
        let all = answer["items"].as_array().unwrap();
        all.iter().map(|one| one["code"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(advice().await, ["unused"]);
    let owner = fixture.member(Role::Owner);
    let request = owner.request(&fixture.server, Method::PATCH, "/api/v1/workspace");
    let request = request.header("x-keyrack-workspace", fixture.ours.slug);
    send(request.json(&json!({ "rotateAfterDays": 30 }))).await.ok();
    assert_eq!(advice().await, ["old_secret", "unused"]);
    let page = format!("/w/ours/settings/api-keys/{}", fixture.ours.key);
    let page = send(owner.request(&fixture.server, Method::GET, &page)).await;
    assert!(page.text.contains("Your workspace policy is 30 days."), "{page:?}");
    fixture.server.post(&format!("{path}/rotate"), fixture.key(), json!({ "gracePeriod": "1h" })).await.ok();
    assert_eq!(advice().await, ["unused"]);
}
