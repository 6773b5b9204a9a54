//! How often each visitor may use a key. Windows are an hour long, so that nothing comes back while a test runs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::harness::{Answer, SLUG, send};

fn hourly(requests: u32) -> Value {
    json!({ "requests": requests, "seconds": 3_600 })
}

async fn limited(desk: &Desk, restrictions: Value) -> Made {
    desk.make(json!({ "name": "public", "scopes": ["project"], "restrictions": restrictions })).await
}

/// Asks for the projects as a visitor from there.
async fn visits(desk: &Desk, key: &Made, from: &str) -> Answer {
    let request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
    send(request.header("x-forwarded-for", from)).await
}

#[tokio::test]
async fn no_visitor_uses_up_what_is_there_for_all() {
    let desk = Desk::open().await;
    let key = limited(&desk, json!({ "visitorRate": hourly(2), "rate": hourly(5) })).await;
    assert_eq!(desk.read(&key).await["restrictions"]["visitorRate"], hourly(2));
    let first = visits(&desk, &key, "198.51.100.1").await.ok();
    assert_eq!(first.header("ratelimit-policy"), "\"visitor\";q=2;w=3600, \"key\";q=5;w=3600");
    assert_eq!(first.header("ratelimit"), "\"visitor\";r=1;t=1800, \"key\";r=4;t=720");
    visits(&desk, &key, "198.51.100.1").await.ok();
    for _ in 0..10 {
        let refused = visits(&desk, &key, "198.51.100.1").await.refused(429, "visitor_rate_limited");
        assert_eq!(refused.header("ratelimit-policy"), "\"visitor\";q=2;w=3600");
        let wait: u32 = refused.header("retry-after").parse().unwrap();
        assert!((1..=1_800).contains(&wait), "{refused:?}");
        assert_eq!(refused.header("ratelimit"), format!("\"visitor\";r=0;t={wait}"));
        assert_eq!(refused.json()["key"], key.id);
    }
    visits(&desk, &key, "2001:db8::1").await.ok();
    visits(&desk, &key, "2001:db8::abcd").await.ok();
    visits(&desk, &key, "2001:db8::2").await.refused(429, "visitor_rate_limited");
    visits(&desk, &key, "2001:db8:0:1::1").await.ok();
    visits(&desk, &key, "198.51.100.2").await.refused(429, "rate_limited");
}

#[tokio::test]
async fn what_a_handler_refuses_tells_what_is_left_too() {
    let desk = Desk::open().await;
    let key = limited(&desk, json!({ "visitorRate": hourly(9) })).await;
    let nothing = "/api/v1/projects/prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    let refused = desk.server.get(nothing, &key.secret).await.refused(404, "not_found");
    assert_eq!(refused.header("ratelimit"), "\"visitor\";r=8;t=400");
}

#[tokio::test]
async fn asking_about_a_visitor_takes_one_only_when_told_to() {
    let desk = Desk::open().await;
    let key = limited(&desk, json!({ "visitorRate": hourly(1) })).await;
    let node = desk.server.key(&["node"]).await;
    let ask = async |more: Value| {
        let mut question = json!({ "workspace": SLUG });
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        desk.server.verify_as_service(&node, &key.secret, question).await
    };
    let left = |answer: Answer| answer.ok().json()["limits"]["visitorRate"]["remaining"].clone();
    assert_eq!(left(ask(json!({ "ip": "198.51.100.1" })).await), 1);
    assert_eq!(left(ask(json!({ "ip": "198.51.100.1", "spend": true })).await), 0);
    ask(json!({ "ip": "198.51.100.1" })).await.refused(429, "visitor_rate_limited");
    assert_eq!(left(ask(json!({ "ip": "198.51.100.2", "spend": true })).await), 0);
    assert_eq!(left(ask(json!({ "spend": true })).await), 0, "whoever is not named is somebody too");
    ask(json!({})).await.refused(429, "visitor_rate_limited");
}

/// The proxy's own address has a meter of its own, and an address that cannot be read never becomes it.
#[tokio::test]
async fn visitors_of_unknown_addresses_share_one_meter_that_is_not_the_proxys() {
    let desk = Desk::open().await;
    let key = limited(&desk, json!({ "visitorRate": hourly(2) })).await;
    let visits = async |from: &[u8]| {
        let request = desk.server.request(Method::GET, "/api/v1/projects").bearer_auth(&key.secret);
        send(request.header("x-forwarded-for", from)).await
    };
    visits(b"\xe9").await.ok();
    visits(b"198.51.100.1, unknown").await.ok();
    for from in [&b"\xe9"[..], b"_hidden", b"", b"198.51.100.1,"] {
        visits(from).await.refused(429, "visitor_rate_limited");
    }
    visits(b"127.0.0.1").await.ok();
    visits(b"\xe9, 198.51.100.1").await.ok();
}

#[tokio::test]
async fn what_is_no_rate_is_refused_by_field_and_none_is_handed_on_that_is_higher() {
    let desk = Desk::open().await;
    for (rate, field) in [
        (json!({ "requests": 0, "seconds": 60 }), "restrictions.visitorRate.requests"),
        (json!({ "requests": 1, "seconds": 86_401 }), "restrictions.visitorRate.seconds"),
        (json!({ "requests": 1 }), "restrictions.visitorRate.seconds"),
        (json!([1, 1]), "restrictions.visitorRate"),
        (json!("10/60s"), "restrictions.visitorRate"),
    ] {
        let new = json!({ "name": "n", "scopes": ["project"], "restrictions": { "visitorRate": rate } });
        desk.post("/api/v1/keys", new).await.refused(422, "invalid").names(field);
    }
    let held = json!({ "name": "m", "scopes": ["keys", "inference"], "restrictions": { "visitorRate": hourly(10) } });
    let by = desk.make(held).await;
    let new = |own: Value| json!({ "name": "n", "scopes": ["inference"], "restrictions": own });
    for beyond in [json!({}), json!({ "visitorRate": hourly(11) }), json!({ "rate": hourly(11) })] {
        desk.server.post("/api/v1/keys", &by.secret, new(beyond)).await.refused(403, "beyond_key");
    }
    for within in [json!({ "visitorRate": hourly(10) }), json!({ "rate": hourly(10) })] {
        desk.make_by(&by.secret, new(within)).await;
    }
}
