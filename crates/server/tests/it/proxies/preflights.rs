//! Pages can call a guarded service: a preflight without a key reaches the service, and no other request does.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::deployment::{Deployment, code, received, with_forged_headers};
use crate::harness::send;

with_each_proxy!(preflight_without_key_reaches_service, other_options_requests_need_key);

fn preflight(proxy: &Deployment, path: &str) -> RequestBuilder {
    let request = proxy.request(Method::OPTIONS, path).header("origin", "https://site.example");
    request.header("access-control-request-method", "POST")
}

async fn preflight_without_key_reaches_service(proxy: Deployment) {
    for request in [
        preflight(&proxy, "/predict/7?lang=en"),
        preflight(&proxy, "/predict/7").header("access-control-request-headers", "x-api-key,content-type"),
        preflight(&proxy, "/predict/7?my-api-keys=1&filter%5Ba%5D=1"),
        with_forged_headers(preflight(&proxy, "/predict/7")),
        with_forged_headers(preflight(&proxy, "/predict/7")).header("connection", "X-Keyrack-Key"),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, 200, "{answer:?} {}", proxy.log());
        assert_eq!(answer.json()["method"], "OPTIONS");
        for name in ["x-keyrack-key", "x-keyrack-workspace", "x-keyrack-scopes"] {
            assert!(received(&answer, name).is_empty(), "no identity header is set: {answer:?}");
        }
        assert!(!answer.text.contains("\"forged\""), "{answer:?}");
    }
}

async fn other_options_requests_need_key(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    let page = |method| proxy.request(method, "/7").header("origin", "https://site.example");
    let denied = [
        (proxy.request(Method::OPTIONS, "/7"), "missing_key"),
        (page(Method::OPTIONS), "missing_key"),
        (page(Method::OPTIONS).header("access-control-request-headers", "x-api-key"), "missing_key"),
        (proxy.request(Method::OPTIONS, "/7").header("access-control-request-method", "POST"), "missing_key"),
        (page(Method::GET).header("access-control-request-method", "POST"), "missing_key"),
        (page(Method::POST).header("access-control-request-method", "OPTIONS"), "missing_key"),
        (page(Method::HEAD).header("access-control-request-method", "OPTIONS"), ""),
        (
            page(Method::POST)
                .header("access-control-request-method", "POST")
                .header("x-http-method", "OPTIONS"),
            "missing_key",
        ),
        (preflight(&proxy, "/7").header("x-api-key", "nonsense"), "malformed_key"),
        (preflight(&proxy, "/7").bearer_auth("nonsense"), "malformed_key"),
        (preflight(&proxy, "/7?api-key=nonsense"), "malformed_key"),
        (preflight(&proxy, "/7?a=1&api-key=nonsense"), "malformed_key"),
        (preflight(&proxy, "/7?%61PI-key=nonsense&%61pi%2Dkey=nonsense"), "malformed_key"),
    ];
    for (request, expected) in denied {
        let answer = send(request).await;
        assert_eq!(answer.status, 401, "{expected}: {answer:?}");
        if !expected.is_empty() {
            assert_eq!(code(&answer), json!(expected));
        }
    }
    let escaped = send(preflight(&proxy, &format!("/7?api%2Dkey={}", key.secret))).await;
    assert_eq!((escaped.status.as_u16(), code(&escaped)), (400, json!("ambiguous_request")));
    let allowed = send(preflight(&proxy, "/7").header("x-api-key", &key.secret)).await;
    assert_eq!(received(&allowed, "x-keyrack-key"), [key.id.as_str()], "{allowed:?}");
}
