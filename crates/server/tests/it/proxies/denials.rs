//! Denied requests don't reach the service, and the client learns the reason.

use reqwest::Method;
use serde_json::json;

use super::deployment::{Deployment, code};
use crate::harness::{SLUG, send};

with_each_proxy!(
    denial_reaches_client_with_reason,
    network_restriction_uses_client_address,
    rate_limit_headers_reach_client
);

async fn denial_reaches_client_with_reason(proxy: Deployment) {
    let anonymous = send(proxy.request(Method::GET, "/").header("origin", "https://elsewhere.example")).await;
    assert_eq!((anonymous.status.as_u16(), code(&anonymous)), (401, json!("missing_key")));
    assert_eq!(anonymous.headers.get_all("www-authenticate").iter().count(), 1, "{anonymous:?}");
    assert!(anonymous.header("www-authenticate").contains("Bearer"), "{anonymous:?}");

    let other = proxy.api.create_key_with(&["keys"]).await;
    let denied = proxy.get("/", &other.secret).await;
    assert_eq!((denied.status.as_u16(), code(&denied)), (403, json!("insufficient_scope")));
    assert!(denied.header("www-authenticate").contains("insufficient_scope"), "{denied:?}");
    let explained =
        proxy.api.get(&format!("/api/v1/requests/{}", denied.header("x-request-id"))).await.ok().json();
    assert_eq!(
        (&explained["code"], &explained["permission"]),
        (&json!("insufficient_scope"), &json!("models:predict"))
    );

    let key = proxy.api.create_key_with(&["inference"]).await;
    let two = proxy.request(Method::GET, "/").bearer_auth(&other.secret).header("x-api-key", &key.secret);
    let two = send(two).await;
    assert_eq!((two.status.as_u16(), code(&two)), (400, json!("ambiguous_key")));

    assert_eq!(proxy.get("/", &key.secret).await.status, 200);
    proxy.api.delete(&key.path()).await.ok();
    let deleted = proxy.get("/", &key.secret).await;
    assert_eq!((deleted.status.as_u16(), code(&deleted)), (401, json!("deleted_key")));
    let head = send(proxy.request(Method::HEAD, "/").header("x-api-key", &key.secret)).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (401, ""), "{head:?}");
}

/// The client is on this machine, regardless of its headers.
async fn network_restriction_uses_client_address(proxy: Deployment) {
    for (network, status) in [("127.0.0.0/8", 200), ("198.51.100.0/24", 403)] {
        let restrictions = json!({ "networks": [network] });
        let key = json!({ "name": "near", "scopes": ["inference"], "restrictions": restrictions });
        let key = proxy.api.create_key(key).await;
        let request = || proxy.request(Method::GET, "/").header("x-api-key", &key.secret);
        for name in
            ["x-forwarded-for", "x_forwarded_for", "x-real-ip", "forwarded", "x-envoy-external-address"]
        {
            let answer = send(request().header(name, "198.51.100.7")).await;
            assert_eq!(answer.status, status, "{network} {name}: {answer:?} {}", proxy.log());
        }
        let named =
            request().header("x-forwarded-for", "198.51.100.7").header("connection", "x-forwarded-for");
        let answer = send(named).await;
        // Envoy responds 400 before it asks Keyrack.
        assert!([400, status].contains(&answer.status.as_u16()), "{network}: {answer:?} {}", proxy.log());
    }
}

async fn rate_limit_headers_reach_client(proxy: Deployment) {
    let restrictions = json!({ "rate": { "requests": 3, "seconds": 3600 } });
    let key = json!({ "name": "seldom", "scopes": ["inference"], "restrictions": restrictions });
    let key = proxy.api.create_key(key).await;
    let question = proxy.api.server.request(Method::GET, "/api/v1/forward-auth").bearer_auth(&key.secret);
    let passed = send(question.header("x-keyrack-for-workspace", SLUG)).await;
    assert_eq!((passed.status.as_u16(), passed.header("ratelimit-policy")), (204, "\"key\";q=3;w=3600"));
    for left in [1, 0] {
        let request = proxy.request(Method::GET, "/").header("x-api-key", &key.secret);
        let passed = send(request.header("ratelimit", "forged")).await;
        assert_eq!(passed.status, 200);
        if proxy.program.passes_on_limits() {
            assert!(passed.header("ratelimit").starts_with(&format!("\"key\";r={left};t=")), "{passed:?}");
            assert_eq!(passed.header("ratelimit-policy"), "\"key\";q=3;w=3600");
        }
    }
    let denied = proxy.get("/", &key.secret).await;
    assert_eq!((denied.status.as_u16(), code(&denied)), (429, json!("rate_limited")));
    assert!(denied.header("retry-after").parse::<u64>().unwrap() > 0, "{denied:?}");
    // A key without limits.
    let key = proxy.api.create_key_with(&["inference"]).await;
    let passed =
        send(proxy.request(Method::GET, "/").bearer_auth(&key.secret).header("ratelimit", "forged")).await;
    assert_eq!((passed.status.as_u16(), passed.headers.get("ratelimit")), (200, None), "{passed:?}");
}
