//! Listing keys with pages, filters, and search.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::{Api, millis_from_now};
use crate::harness::wait_until;

async fn names(api: &Api, query: &str) -> BTreeSet<String> {
    api.get(&format!("/api/v1/keys?{query}")).await.ok().item_names().into_iter().collect()
}

fn name_set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn key_list_pages_have_each_key_once_newest_first() {
    let api = Api::start().await;
    for number in 0..6 {
        api.create_key(json!({ "name": format!("key {number}"), "scopes": ["project"] })).await;
    }
    let (mut found, mut path) = (Vec::new(), "/api/v1/keys?limit=3".to_owned());
    let pages = loop {
        let page = api.get(&path).await.ok();
        found.push(page.item_names());
        match &page.json()["nextCursor"] {
            Value::String(cursor) => path = format!("/api/v1/keys?limit=3&cursor={cursor}"),
            none => break none.clone(),
        }
    };
    assert_eq!(pages, Value::Null);
    assert_eq!(found, [vec!["key 5", "key 4", "key 3"], vec!["key 2", "key 1", "key 0"], vec!["of a test"]]);
}

#[tokio::test]
async fn key_list_filters_match_their_keys() {
    let api = Api::start().await;
    let project = api.create_key(json!({ "name": "Líne 3%", "scopes": ["project"] })).await;
    api.create_key(json!({ "name": "web", "scopes": ["inference"], "class": "publishable" })).await;
    api.create_key(json!({ "name": "short", "scopes": ["inference"], "expiresAt": millis_from_now(300) }))
        .await;
    let gone = api.create_key(json!({ "name": "gone", "scopes": ["project", "inference"] })).await;
    api.delete(&gone.path()).await.ok();
    wait_until("the key expires", async || {
        names(&api, "status=expired").await.contains("short").then_some(())
    })
    .await;
    let hint = format!("q={}", &project.secret[40..]);
    for (query, found) in [
        ("status=active", &["of a test", "Líne 3%", "web"][..]),
        ("status=expired", &["short"]),
        ("status=deleted", &["gone"]),
        ("status=any", &["of a test", "Líne 3%", "web", "short", "gone"]),
        ("scope=project", &["of a test", "Líne 3%", "gone"]),
        ("scope=keys", &["of a test"]),
        ("scope=inference&status=active", &["of a test", "web"]),
        ("class=publishable", &["web"]),
        ("class=secret&status=active", &["of a test", "Líne 3%"]),
        ("q=L%C3%8DNE", &["Líne 3%"]),
        ("q=3%25", &["Líne 3%"]),
        ("q=%25%25", &[]),
        ("q=%20", &["of a test", "Líne 3%", "web", "short", "gone"]),
        (&hint, &["Líne 3%"]),
        ("q=nothing", &[]),
    ] {
        assert_eq!(names(&api, query).await, name_set(found), "{query}");
    }
}

#[tokio::test]
async fn key_list_with_invalid_filter_is_rejected() {
    let api = Api::start().await;
    for (query, field) in [
        ("status=dead", "status"),
        ("scope=all", "scope"),
        ("class=public", "class"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=2", "cursor"),
    ] {
        api.get(&format!("/api/v1/keys?{query}"))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error(field);
    }
}
