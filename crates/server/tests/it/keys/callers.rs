//! Who calls with a key, and who still calls with the secret before.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, send, until};
use crate::visitor::Visitor;

async fn call(desk: &Desk, secret: &str, from: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(secret);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    send(request.header("x-forwarded-for", from)).await
}

/// The callers, once there are so many.
async fn callers(desk: &Desk, key: &Made, number: usize) -> Vec<Value> {
    until("the callers are written down", async || {
        let answer = desk.get(&format!("{}/callers", key.path())).await.ok();
        let items = answer.json()["items"].as_array().unwrap().clone();
        (items.len() == number).then_some(items)
    })
    .await
}

fn by<'a>(callers: &'a [Value], field: &str, value: &str) -> &'a Value {
    callers.iter().find(|one| one[field] == value).unwrap_or_else(|| panic!("{field} {value}: {callers:#?}"))
}

#[tokio::test]
async fn callers_are_told_by_address_origin_agent_and_secret_with_how_they_fared() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let camera = [("user-agent", "camera/3")];
    for _ in 0..3 {
        call(&desk, &key.secret, "203.0.113.9", &camera).await.ok();
    }
    call(&desk, &key.secret, "203.0.113.10", &camera).await.ok();
    // A page: refused, as the key holds more than Inference.
    let page = [("user-agent", "Mozilla/5.0"), ("origin", "https://shop.example")];
    call(&desk, &key.secret, "198.51.100.7", &page).await.refused(403, "key_in_browser");
    let new = desk.rotate(&key, "1h").await;
    call(&desk, &new.secret, "2001:db8::7", &camera).await.ok();
    let all = callers(&desk, &key, 4).await;
    let first = by(&all, "network", "203.0.113.9");
    let told = ["allowed", "denied", "userAgent", "permission", "origin", "lastDenialCode", "overflow"];
    let expected = [
        json!(3),
        json!(0),
        json!("camera/3"),
        json!("projects:manage"),
        json!(null),
        json!(null),
        json!(false),
    ];
    assert_eq!(told.map(|field| first[field].clone()), expected, "{first}");
    assert_eq!(
        (&first["secretHint"], &first["secretState"]),
        (&json!(&key.secret[40..]), &json!("retiring"))
    );
    let shop = by(&all, "origin", "https://shop.example");
    let told = ["allowed", "denied", "lastDenialCode"].map(|field| shop[field].clone());
    assert_eq!(told, [json!(0), json!(1), json!("key_in_browser")]);
    let current = by(&all, "network", "2001:db8::7");
    assert_eq!(
        (&current["secretHint"], &current["secretState"]),
        (&json!(&new.secret[40..]), &json!("current"))
    );
    assert_eq!(all[0]["network"], "2001:db8::7", "the last to call comes first");
}

#[tokio::test]
async fn callers_come_in_pages_and_nonsense_is_refused_by_name() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    for last in 1..=5 {
        call(&desk, &key.secret, &format!("10.0.0.{last}"), &[]).await.ok();
    }
    callers(&desk, &key, 5).await;
    let path = format!("{}/callers", key.path());
    let first = desk.get(&format!("{path}?limit=3")).await.ok().json();
    let next = first["nextCursor"].as_str().unwrap();
    let second = desk.get(&format!("{path}?limit=3&cursor={next}")).await.ok().json();
    let numbers = [&first, &second].map(|page| page["items"].as_array().unwrap().len());
    assert_eq!((numbers, &second["nextCursor"]), ([3, 2], &Value::Null));
    for (query, field) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("cursor=1", "cursor")] {
        desk.get(&format!("{path}?{query}")).await.names_field(field);
    }
    let nothing = "/api/v1/keys/key_00000000000070008000000000000000/callers";
    desk.get(nothing).await.refused(404, "not_found");
}

#[tokio::test]
async fn what_a_client_writes_into_its_headers_is_told_as_text_and_a_key_in_it_is_not_told() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let odd = "<script>alert(1)</script> '; DROP TABLE keys; --";
    call(&desk, &key.secret, "10.0.0.1", &[("user-agent", odd)]).await.ok();
    call(&desk, &key.secret, "10.0.0.2", &[("user-agent", &key.secret)]).await.ok();
    let long = "x y ".repeat(500);
    call(&desk, &key.secret, "10.0.0.3", &[("user-agent", &long)]).await.ok();
    let all = callers(&desk, &key, 3).await;
    assert_eq!(by(&all, "network", "10.0.0.1")["userAgent"], odd);
    assert_eq!(by(&all, "network", "10.0.0.2")["userAgent"], "kr_sk_~");
    assert_eq!(by(&all, "network", "10.0.0.3")["userAgent"].as_str().unwrap().len(), 96);
    let page = Visitor::sign_in(&desk.server)
        .await
        .page(&format!("/w/northfield-vision/settings/api-keys/{}", key.id))
        .await;
    assert!(
        page.text.contains("&#60;script&#62;alert(1)") && !page.text.contains("<script>alert"),
        "{page:?}"
    );
}

#[tokio::test]
async fn the_pages_say_who_still_calls_with_the_old_secret() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let visitor = Visitor::sign_in(&desk.server).await;
    desk.rotate(&key, "24h").await;
    let page = visitor.page(&visitor.keys("")).await;
    assert!(page.text.contains("Nobody has called with it since."), "{page:?}");
    call(&desk, &key.secret, "203.0.113.9", &[("user-agent", "camera/3")]).await.ok();
    callers(&desk, &key, 1).await;
    for path in ["", &format!("/{}", key.id)] {
        let page = visitor.page(&visitor.keys(path)).await;
        assert!(
            page.text.contains("Last called with just now, from 203.0.113.9 (camera/3)."),
            "{path}: {page:?}"
        );
    }
}
