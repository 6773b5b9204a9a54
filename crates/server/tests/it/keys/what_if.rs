//! The preview of a change: which requests it would have denied.

use keyrack_key::Permission;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::usage_history::{DailyUsage, write_usage};
use crate::web_client::WebClient;

/// A key with one month of usage: predictions from one address, trainings from another.
async fn used_key() -> (Api, CreatedKey) {
    let mut api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let trained = DailyUsage {
        permission: Permission::ModelsTrain,
        address: "10.4.0.7",
        agent: "nightly",
        ..DailyUsage::predictions(&key, 5, 12)
    };
    let rejected = DailyUsage { denied: Some("rate_limited"), ..DailyUsage::predictions(&key, 3, 99) };
    let long_ago = DailyUsage::predictions(&key, 45, 1_000);
    let all = [
        DailyUsage::predictions(&key, 1, 500),
        DailyUsage::predictions(&key, 20, 41),
        trained,
        rejected,
        long_ago,
    ];
    write_usage(&mut api.server, &all).await;
    (api, key)
}

async fn what_if(api: &Api, key: &CreatedKey, change: Value) -> Value {
    api.post(&format!("{}/what-if", key.path()), change).await.ok().json()
}

#[tokio::test]
async fn what_if_with_narrower_scope_counts_denials() {
    let (api, key) = used_key().await;
    let what = what_if(&api, &key, json!({ "scopes": ["inference"] })).await;
    let counts = ["days", "requests", "denied", "unknown"].map(|field| what[field].clone());
    assert_eq!(json!(counts), json!([30, 553, 12, 0]), "{what:#}");
    let [one] = what["callers"].as_array().unwrap().as_slice() else { panic!("{what:#}") };
    assert_eq!((&one["caller"]["userAgent"], &one["denied"]), (&json!("nightly"), &json!(12)));
    assert_eq!((&what["addedPermissions"], &what["unrecordedRestrictions"]), (&json!([]), &json!([])));
    assert_eq!(api.read(&key).await["revision"], key.body["revision"]);
    let wider = what_if(&api, &key, json!({ "scopes": ["project", "keys"] })).await;
    assert_eq!((&wider["denied"], &wider["addedPermissions"]), (&json!(0), &json!(["keys:manage"])));
}

#[tokio::test]
async fn what_if_with_networks_counts_denials_by_caller() {
    let (api, key) = used_key().await;
    let restrictions = json!({ "networks": ["10.4.0.0/16"] });
    let what = what_if(&api, &key, json!({ "restrictions": restrictions })).await;
    assert_eq!((&what["denied"], &what["unknown"]), (&json!(541), &json!(0)), "{what:#}");
    assert_eq!(what["callers"][0]["caller"]["network"], "203.0.113.9");
    let project = api.project("Caps").await;
    let what = what_if(
        &api,
        &key,
        json!({ "restrictions": { "projects": [project], "rate": { "requests": 1, "seconds": 3_600 } } }),
    )
    .await;
    assert_eq!((&what["denied"], &what["unrecordedRestrictions"]), (&json!(0), &json!(["projects"])));
    // Two requests an hour would have been allowed, of 500, 41, and 12.
    assert_eq!(what["rateLimited"], 498 + 39 + 10);
    let expires = what_if(&api, &key, json!({ "expiresAt": "2099-01-01T00:00:00Z" })).await;
    assert_eq!(expires["denied"], 0);
}

#[tokio::test]
async fn what_if_with_invalid_change_is_rejected() {
    let (api, key) = used_key().await;
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
        api.post(&path, change).await.check_field_error(field);
    }
    let public =
        api.create_key(json!({ "name": "p", "class": "publishable", "scopes": ["inference"] })).await;
    api.post(&format!("{}/what-if", public.path()), json!({ "scopes": ["project"] }))
        .await
        .check_field_error("class");
    api.delete(&key.path()).await.ok();
    api.post(&path, json!({})).await.assert_problem(409, "deleted_key");
}

#[tokio::test]
async fn edit_page_previews_denials_before_saving() {
    let (api, key) = used_key().await;
    let web = WebClient::sign_in(&api.server).await;
    let edit = web.keys(&format!("/{}/edit", key.id));
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
        web.submit(&edit, &fields).await
    };
    let expected = ask("inference", "on").await;
    assert_eq!(expected.status, 200, "{expected:?}");
    assert!(expected.text.contains("12 of 553 requests in 30 days would have been denied."), "{expected:?}");
    assert!(expected.text.contains("10.4.0.7, nightly: 12 requests"), "{expected:?}");
    let same = ask("project", "on").await;
    assert!(same.text.contains("0 of 553 requests in 30 days would have been denied."), "{same:?}");
    assert_eq!(api.read(&key).await["revision"], key.body["revision"], "nothing was saved");
    assert_eq!(ask("inference", "").await.status, 303);
    assert_eq!(api.read(&key).await["scopes"], json!(["inference"]));
    let saved = api.read(&key).await["revision"].to_string();
    let wide = web
        .submit(&edit, &[("name", "n"), ("scope", "project"), ("revision", &saved), ("check", "on")])
        .await;
    assert!(
        wide.text.contains("It would also be able to:") && wide.text.contains("train models"),
        "{wide:?}"
    );
}
