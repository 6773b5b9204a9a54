//! Rate limits per visitor. The windows are one hour long, so that nothing is restored during a test.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, CreatedKey};
use crate::harness::{Answer, SLUG, send};

fn hourly(requests: u32) -> Value {
    json!({ "requests": requests, "seconds": 3_600 })
}

async fn limited(api: &Api, restrictions: Value) -> CreatedKey {
    api.create_key(json!({ "name": "public", "scopes": ["project"], "restrictions": restrictions })).await
}

/// Lists the projects as a visitor from this address.
async fn request_from(api: &Api, key: &CreatedKey, from: &str) -> Answer {
    let request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
    send(request.header("x-forwarded-for", from)).await
}

#[tokio::test]
async fn visitor_rate_limit_protects_shared_rate_limit() {
    let api = Api::start().await;
    let key = limited(&api, json!({ "visitorRate": hourly(2), "rate": hourly(5) })).await;
    assert_eq!(api.read(&key).await["restrictions"]["visitorRate"], hourly(2));
    let first = request_from(&api, &key, "198.51.100.1").await.ok();
    assert_eq!(first.header("ratelimit-policy"), "\"visitor\";q=2;w=3600, \"key\";q=5;w=3600");
    assert_eq!(first.header("ratelimit"), "\"visitor\";r=1;t=1800, \"key\";r=4;t=720");
    request_from(&api, &key, "198.51.100.1").await.ok();
    for _ in 0..10 {
        let denied =
            request_from(&api, &key, "198.51.100.1").await.assert_problem(429, "visitor_rate_limited");
        assert_eq!(denied.header("ratelimit-policy"), "\"visitor\";q=2;w=3600");
        let wait: u32 = denied.header("retry-after").parse().unwrap();
        assert!((1..=1_800).contains(&wait), "{denied:?}");
        assert_eq!(denied.header("ratelimit"), format!("\"visitor\";r=0;t={wait}"));
        assert_eq!(denied.json()["key"], key.id);
    }
    request_from(&api, &key, "2001:db8::1").await.ok();
    request_from(&api, &key, "2001:db8::abcd").await.ok();
    request_from(&api, &key, "2001:db8::2").await.assert_problem(429, "visitor_rate_limited");
    request_from(&api, &key, "2001:db8:0:1::1").await.ok();
    request_from(&api, &key, "198.51.100.2").await.assert_problem(429, "rate_limited");
}

#[tokio::test]
async fn rate_limit_headers_are_on_problem_responses() {
    let api = Api::start().await;
    let key = limited(&api, json!({ "visitorRate": hourly(9) })).await;
    let nothing = "/api/v1/projects/prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    let denied = api.server.get(nothing, &key.secret).await.assert_problem(404, "not_found");
    assert_eq!(denied.header("ratelimit"), "\"visitor\";r=8;t=400");
}

#[tokio::test]
async fn verify_spends_visitor_rate_only_when_requested() {
    let api = Api::start().await;
    let key = limited(&api, json!({ "visitorRate": hourly(1) })).await;
    let node = api.server.create_secret(&["node"]).await;
    let ask = async |more: Value| {
        let mut question = json!({ "workspace": SLUG });
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        api.server.verify_as_service(&node, &key.secret, question).await
    };
    let remaining = |answer: Answer| answer.ok().json()["limits"]["visitorRate"]["remaining"].clone();
    assert_eq!(remaining(ask(json!({ "ip": "198.51.100.1" })).await), 1);
    assert_eq!(remaining(ask(json!({ "ip": "198.51.100.1", "spend": true })).await), 0);
    ask(json!({ "ip": "198.51.100.1" })).await.assert_problem(429, "visitor_rate_limited");
    assert_eq!(remaining(ask(json!({ "ip": "198.51.100.2", "spend": true })).await), 0);
    assert_eq!(
        remaining(ask(json!({ "spend": true })).await),
        0,
        "visitors without an address share a limit"
    );
    ask(json!({})).await.assert_problem(429, "visitor_rate_limited");
}

/// The proxy's own address has its own limit. A visitor with an unreadable address never uses it.
#[tokio::test]
async fn visitors_with_unknown_address_share_one_limit() {
    let api = Api::start().await;
    let key = limited(&api, json!({ "visitorRate": hourly(2) })).await;
    let request_from = async |from: &[u8]| {
        let request = api.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
        send(request.header("x-forwarded-for", from)).await
    };
    request_from(b"\xe9").await.ok();
    request_from(b"198.51.100.1, unknown").await.ok();
    for from in [&b"\xe9"[..], b"_hidden", b"", b"198.51.100.1,"] {
        request_from(from).await.assert_problem(429, "visitor_rate_limited");
    }
    request_from(b"127.0.0.1").await.ok();
    request_from(b"\xe9, 198.51.100.1").await.ok();
}

#[tokio::test]
async fn invalid_or_higher_visitor_rate_is_rejected() {
    let api = Api::start().await;
    for (rate, field) in [
        (json!({ "requests": 0, "seconds": 60 }), "restrictions.visitorRate.requests"),
        (json!({ "requests": 1, "seconds": 86_401 }), "restrictions.visitorRate.seconds"),
        (json!({ "requests": 1 }), "restrictions.visitorRate.seconds"),
        (json!([1, 1]), "restrictions.visitorRate"),
        (json!("10/60s"), "restrictions.visitorRate"),
    ] {
        let new = json!({ "name": "n", "scopes": ["project"], "restrictions": { "visitorRate": rate } });
        api.post("/api/v1/keys", new).await.assert_problem(422, "invalid").assert_field_error(field);
    }
    let held = json!({ "name": "m", "scopes": ["keys", "inference"], "restrictions": { "visitorRate": hourly(10) } });
    let by = api.create_key(held).await;
    let new = |own: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": own });
    for wider in [json!({}), json!({ "visitorRate": hourly(11) }), json!({ "rate": hourly(11) })] {
        api.server.post("/api/v1/keys", &by.secret, new(wider)).await.assert_problem(403, "beyond_key");
    }
    for within in [json!({ "visitorRate": hourly(10) }), json!({ "rate": hourly(10) })] {
        api.create_key_as(&by.secret, new(within)).await;
    }
}
