//! The list of callers of a key and of its old secret.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, send, wait_until};
use crate::web_client::WebClient;

async fn call(api: &Api, secret: &str, from: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(secret);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    send(request.header("x-forwarded-for", from)).await
}

/// Waits until `number` callers are recorded, and returns them.
async fn callers(api: &Api, key: &CreatedKey, number: usize) -> Vec<Value> {
    wait_until("the callers are recorded", async || {
        let answer = api.get(&format!("{}/callers", key.path())).await.ok();
        let items = answer.json()["items"].as_array().unwrap().clone();
        (items.len() == number).then_some(items)
    })
    .await
}

fn caller_by<'a>(callers: &'a [Value], field: &str, value: &str) -> &'a Value {
    callers.iter().find(|one| one[field] == value).unwrap_or_else(|| panic!("{field} {value}: {callers:#?}"))
}

#[tokio::test]
async fn callers_are_listed_with_network_agent_and_outcomes() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let camera = [("user-agent", "camera/3")];
    for _ in 0..3 {
        call(&api, &key.secret, "203.0.113.9", &camera).await.ok();
    }
    call(&api, &key.secret, "203.0.113.10", &camera).await.ok();
    // The key has more scopes than Inference, so it is denied on a page.
    let page = [("user-agent", "Mozilla/5.0"), ("origin", "https://shop.example")];
    call(&api, &key.secret, "198.51.100.7", &page).await.assert_problem(403, "key_in_browser");
    let new = api.rotate(&key, "1h").await;
    call(&api, &new.secret, "2001:db8::7", &camera).await.ok();
    let all = callers(&api, &key, 4).await;
    let first = caller_by(&all, "network", "203.0.113.9");
    let fields = ["allowed", "denied", "userAgent", "permission", "origin", "lastDenialCode", "overflow"];
    let expected = [
        json!(3),
        json!(0),
        json!("camera/3"),
        json!("projects:manage"),
        json!(null),
        json!(null),
        json!(false),
    ];
    assert_eq!(fields.map(|field| first[field].clone()), expected, "{first}");
    assert_eq!(
        (&first["secretHint"], &first["secretState"]),
        (&json!(&key.secret[40..]), &json!("retiring"))
    );
    let shop = caller_by(&all, "origin", "https://shop.example");
    let fields = ["allowed", "denied", "lastDenialCode"].map(|field| shop[field].clone());
    assert_eq!(fields, [json!(0), json!(1), json!("key_in_browser")]);
    let current = caller_by(&all, "network", "2001:db8::7");
    assert_eq!(
        (&current["secretHint"], &current["secretState"]),
        (&json!(&new.secret[40..]), &json!("current"))
    );
    assert_eq!(all[0]["network"], "2001:db8::7", "the latest caller comes first");
}

#[tokio::test]
async fn caller_list_is_paged_and_rejects_invalid_query() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    for last in 1..=5 {
        call(&api, &key.secret, &format!("10.0.0.{last}"), &[]).await.ok();
    }
    callers(&api, &key, 5).await;
    let path = format!("{}/callers", key.path());
    let first = api.get(&format!("{path}?limit=3")).await.ok().json();
    let next = first["nextCursor"].as_str().unwrap();
    let second = api.get(&format!("{path}?limit=3&cursor={next}")).await.ok().json();
    let numbers = [&first, &second].map(|page| page["items"].as_array().unwrap().len());
    assert_eq!((numbers, &second["nextCursor"]), ([3, 2], &Value::Null));
    for (query, field) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("cursor=1", "cursor")] {
        api.get(&format!("{path}?{query}")).await.check_field_error(field);
    }
    let nothing = "/api/v1/keys/key_00000000000070008000000000000000/callers";
    api.get(nothing).await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn caller_headers_are_escaped_and_secrets_masked() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let odd = "<script>alert(1)</script> '; DROP TABLE keys; --";
    call(&api, &key.secret, "10.0.0.1", &[("user-agent", odd)]).await.ok();
    call(&api, &key.secret, "10.0.0.2", &[("user-agent", &key.secret)]).await.ok();
    let long = "x y ".repeat(500);
    call(&api, &key.secret, "10.0.0.3", &[("user-agent", &long)]).await.ok();
    let all = callers(&api, &key, 3).await;
    assert_eq!(caller_by(&all, "network", "10.0.0.1")["userAgent"], odd);
    assert_eq!(caller_by(&all, "network", "10.0.0.2")["userAgent"], "kr_sk_~");
    assert_eq!(caller_by(&all, "network", "10.0.0.3")["userAgent"].as_str().unwrap().len(), 96);
    let page = WebClient::sign_in(&api.server)
        .await
        .page(&format!("/w/northfield-vision/settings/api-keys/{}", key.id))
        .await;
    assert!(
        page.text.contains("&#60;script&#62;alert(1)") && !page.text.contains("<script>alert"),
        "{page:?}"
    );
}

#[tokio::test]
async fn pages_show_callers_of_old_secret() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let web = WebClient::sign_in(&api.server).await;
    api.rotate(&key, "24h").await;
    let page = web.page(&web.keys("")).await;
    assert!(page.text.contains("Not used since."), "{page:?}");
    call(&api, &key.secret, "203.0.113.9", &[("user-agent", "camera/3")]).await.ok();
    callers(&api, &key, 1).await;
    for path in ["", &format!("/{}", key.id)] {
        let page = web.page(&web.keys(path)).await;
        assert!(page.text.contains("Last used just now, from 203.0.113.9 (camera/3)."), "{path}: {page:?}");
    }
}
