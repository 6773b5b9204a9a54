//! Keys in pages, filtered and searched.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::desk::{Desk, in_millis};
use crate::harness::until;

async fn names(desk: &Desk, query: &str) -> BTreeSet<String> {
    desk.get(&format!("/api/v1/keys?{query}")).await.ok().item_names().into_iter().collect()
}

fn these(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn pages_hold_every_key_once_newest_first() {
    let desk = Desk::open().await;
    for number in 0..6 {
        desk.make(json!({ "name": format!("key {number}"), "scopes": ["project"] })).await;
    }
    let (mut found, mut path) = (Vec::new(), "/api/v1/keys?limit=3".to_owned());
    let pages = loop {
        let page = desk.get(&path).await.ok();
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
async fn filters_find_what_they_say() {
    let desk = Desk::open().await;
    let project = desk.make(json!({ "name": "Líne 3%", "scopes": ["project"] })).await;
    desk.make(json!({ "name": "web", "scopes": ["inference"], "class": "publishable" })).await;
    desk.make(json!({ "name": "short", "scopes": ["inference"], "expiresAt": in_millis(300) })).await;
    let gone = desk.make(json!({ "name": "gone", "scopes": ["project", "inference"] })).await;
    desk.delete(&gone.path()).await.ok();
    until("the short one expires", async || {
        names(&desk, "status=expired").await.contains("short").then_some(())
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
        assert_eq!(names(&desk, query).await, these(found), "{query}");
    }
}

#[tokio::test]
async fn what_no_filter_can_be_is_named() {
    let desk = Desk::open().await;
    for (query, field) in [
        ("status=dead", "status"),
        ("scope=all", "scope"),
        ("class=public", "class"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=2", "cursor"),
    ] {
        desk.get(&format!("/api/v1/keys?{query}")).await.refused(422, "invalid").names(field);
    }
}
