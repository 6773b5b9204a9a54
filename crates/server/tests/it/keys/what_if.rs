//! What a change would have refused, asked before it is made.

use keyrack_key::Permission;
use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::past::{Day, passed};
use crate::visitor::Visitor;

/// A key that was used for a month: predictions from one address, trainings from another.
async fn used() -> (Desk, Made) {
    let mut desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let trained = Day {
        permission: Permission::ModelsTrain,
        address: "10.4.0.7",
        agent: "nightly",
        ..Day::predicted(&key, 5, 12)
    };
    let refused = Day { refused: Some("rate_limited"), ..Day::predicted(&key, 3, 99) };
    let long_ago = Day::predicted(&key, 45, 1_000);
    let all = [Day::predicted(&key, 1, 500), Day::predicted(&key, 20, 41), trained, refused, long_ago];
    passed(&mut desk.server, &all).await;
    (desk, key)
}

async fn asks(desk: &Desk, key: &Made, change: Value) -> Value {
    desk.post(&format!("{}/what-if", key.path()), change).await.ok().json()
}

#[tokio::test]
async fn a_narrower_scope_is_judged_by_what_was_asked_for_and_changes_nothing() {
    let (desk, key) = used().await;
    let what = asks(&desk, &key, json!({ "scopes": ["inference"] })).await;
    let told = ["days", "requests", "denied", "unknown"].map(|field| what[field].clone());
    assert_eq!(json!(told), json!([30, 553, 12, 0]), "{what:#}");
    let [one] = what["callers"].as_array().unwrap().as_slice() else { panic!("{what:#}") };
    assert_eq!((&one["caller"]["userAgent"], &one["denied"]), (&json!("nightly"), &json!(12)));
    assert_eq!((&what["addedPermissions"], &what["unrecordedRestrictions"]), (&json!([]), &json!([])));
    assert_eq!(desk.read(&key).await["revision"], key.body["revision"]);
    let wider = asks(&desk, &key, json!({ "scopes": ["project", "keys"] })).await;
    assert_eq!((&wider["denied"], &wider["addedPermissions"]), (&json!(0), &json!(["keys:manage"])));
}

#[tokio::test]
async fn networks_are_judged_by_who_called_and_what_is_not_recorded_is_said() {
    let (desk, key) = used().await;
    let restrictions = json!({ "networks": ["10.4.0.0/16"] });
    let what = asks(&desk, &key, json!({ "restrictions": restrictions })).await;
    assert_eq!((&what["denied"], &what["unknown"]), (&json!(541), &json!(0)), "{what:#}");
    assert_eq!(what["callers"][0]["caller"]["network"], "203.0.113.9");
    let project = desk.project("Caps").await;
    let what = asks(
        &desk,
        &key,
        json!({ "restrictions": { "projects": [project], "rate": { "requests": 1, "seconds": 3_600 } } }),
    )
    .await;
    assert_eq!((&what["denied"], &what["unrecordedRestrictions"]), (&json!(0), &json!(["projects"])));
    // Two an hour at most, of 500, 41 and 12.
    assert_eq!(what["rateLimited"], 498 + 39 + 10);
    let expires = asks(&desk, &key, json!({ "expiresAt": "2099-01-01T00:00:00Z" })).await;
    assert_eq!(expires["denied"], 0);
}

#[tokio::test]
async fn a_question_that_could_not_be_saved_is_refused_by_its_field() {
    let (desk, key) = used().await;
    let path = format!("{}/what-if", key.path());
    for (change, field) in [
        (json!({ "scopes": [] }), "scopes"),
        (json!({ "scopes": ["root"] }), "scopes"),
        (json!({ "scopes": "project" }), "scopes"),
        (json!({ "restrictions": { "networks": ["nowhere"] } }), "restrictions.networks"),
        (
            json!({ "restrictions": { "projects": ["prj_00000000000070008000000000000000"] } }),
            "restrictions.projects",
        ),
        (json!({ "restrictions": [] }), "restrictions"),
        (json!({ "restrictions": { "weekdays": [] } }), "restrictions.weekdays"),
        (json!({ "expiresAt": "yesterday" }), "expiresAt"),
        (json!({ "expiresAt": "2001-01-01T00:00:00Z" }), "expiresAt"),
        (json!({ "name": "x" }), "name"),
    ] {
        desk.post(&path, change).await.names_field(field);
    }
    let public = desk.make(json!({ "name": "p", "class": "publishable", "scopes": ["inference"] })).await;
    desk.post(&format!("{}/what-if", public.path()), json!({ "scopes": ["project"] }))
        .await
        .names_field("class");
    desk.delete(&key.path()).await.ok();
    desk.post(&path, json!({})).await.refused(409, "deleted_key");
}

#[tokio::test]
async fn the_page_says_it_before_it_saves() {
    let (desk, key) = used().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let edit = visitor.keys(&format!("/{}/edit", key.id));
    let revision = key.body["revision"].to_string();
    let fields = |scope: &'static str, check: &'static str| {
        [
            ("name", "n"),
            ("scope", scope),
            ("expiry", "never"),
            ("revision", revision.as_str()),
            ("check", check),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    };
    let ask = async |scope, check| {
        let fields = fields(scope, check);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        visitor.submit(&edit, &fields).await
    };
    let says = ask("inference", "on").await;
    assert_eq!(says.status, 200, "{says:?}");
    assert!(says.text.contains("12 of 553 calls in 30 days would have been refused."), "{says:?}");
    assert!(says.text.contains("10.4.0.7, nightly: 12 calls"), "{says:?}");
    let same = ask("project", "on").await;
    assert!(same.text.contains("0 of 553 calls in 30 days would have been refused."), "{same:?}");
    assert_eq!(desk.read(&key).await["revision"], key.body["revision"], "nothing was saved");
    assert_eq!(ask("inference", "").await.status, 303);
    assert_eq!(desk.read(&key).await["scopes"], json!(["inference"]));
    let saved = desk.read(&key).await["revision"].to_string();
    let wide = visitor
        .submit(&edit, &[("name", "n"), ("scope", "project"), ("revision", &saved), ("check", "on")])
        .await;
    assert!(
        wide.text.contains("It would also be able to:") && wide.text.contains("train models"),
        "{wide:?}"
    );
}
