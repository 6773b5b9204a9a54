//! The service learns the caller's identity from Keyrack, regardless of what the client sends.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::deployment::{Deployment, KEYRACK_HEADERS, code, received, with_forged_headers};
use crate::api::CreatedKey;
use crate::harness::{Answer, send};
use crate::raw_http;

with_each_proxy!(
    forged_identity_headers_are_replaced,
    identity_headers_named_in_connection_are_kept,
    each_method_reaches_service,
    unusual_urls_reach_service,
);

async fn forged_identity_headers_are_replaced(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    let post = proxy.request(Method::POST, "/predict/7?lang=en").body(vec![b'a'; 2 << 20]);
    let get = proxy.request(Method::GET, "/predict/7?lang=en");
    for request in [post.header("x-api-key", &key.secret), get.bearer_auth(&key.secret)] {
        let answer = send(with_forged_headers(request)).await;
        assert_names_caller(&proxy, &answer, &key);
        assert_eq!(answer.json()["uri"], "/predict/7?lang=en");
        assert!(!answer.text.contains("\"forged\""), "{answer:?}");
    }
}

fn assert_names_caller(proxy: &Deployment, answer: &Answer, key: &CreatedKey) {
    assert_eq!(answer.status, 200, "{answer:?} {}", proxy.log());
    assert_eq!(received(answer, "x-keyrack-key"), [key.id.as_str()], "{answer:?}");
    assert_eq!(received(answer, "x-keyrack-scopes"), ["inference"]);
    let workspaces = received(answer, "x-keyrack-workspace");
    assert!(workspaces.len() == 1 && workspaces[0].starts_with("wsp_"), "{answer:?}");
    assert!(!answer.text.contains(&key.secret), "the service doesn't see the key: {answer:?}");
}

/// A proxy removes the headers that `Connection` names (RFC 9110, section 7.6.1), but not those that it sets itself.
async fn identity_headers_named_in_connection_are_kept(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    let other = proxy.api.create_key_with(&["keys"]).await;
    let names = KEYRACK_HEADERS.join(", ");
    let one_each = |request: RequestBuilder| {
        KEYRACK_HEADERS.iter().fold(request, |request, name| request.header("connection", *name))
    };
    let variants: [&dyn Fn(RequestBuilder) -> RequestBuilder; 5] = [
        &|request| request.header("connection", names.clone()),
        &|request| request.header("connection", format!("close, {}", names.to_lowercase())),
        &|request| request.header("connection", format!("keep-alive,{}", names.to_uppercase())),
        &|request| request.header("connection", "close").header("connection", names.clone()),
        &one_each,
    ];
    for variant in variants {
        let request = variant(proxy.request(Method::GET, "/7").header("x-api-key", &key.secret));
        let answer = send(request).await;
        assert_names_caller(&proxy, &answer, &key);
        let connection = received(&answer, "connection").join(",").to_lowercase();
        assert!(!connection.contains("keyrack"), "the next proxy would remove them: {answer:?}");
        // Without X-Keyrack-Permission, Keyrack would allow any key.
        let request = variant(proxy.request(Method::GET, "/7").header("x-api-key", &other.secret));
        let answer = send(request).await;
        assert_eq!((answer.status.as_u16(), code(&answer)), (403, json!("insufficient_scope")));
    }
}

async fn each_method_reaches_service(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let answer = send(proxy.request(method.clone(), "/7").bearer_auth(&key.secret)).await;
        assert_names_caller(&proxy, &answer, &key);
        assert_eq!(answer.json()["method"], method.as_str());
        let root = send(proxy.request(method.clone(), "/").bearer_auth(&key.secret)).await;
        assert_names_caller(&proxy, &root, &key);
        let denied = send(proxy.request(method, "/7")).await;
        assert_eq!((denied.status.as_u16(), code(&denied)), (401, json!("missing_key")));
    }
    let answer = send(proxy.request(Method::HEAD, "/7").bearer_auth(&key.secret)).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{answer:?}");
    let large = proxy.request(Method::POST, "/7").bearer_auth(&key.secret).body(vec![b'a'; 9 << 20]);
    assert_eq!(send(large).await.json()["bodyLength"], 9 << 20);
}

/// URLs that clients send although RFC 3986 doesn't allow all of them.
const UNUSUAL_URLS: [&str; 9] =
    ["/a\"b", "/a<b>", "/a|b{}^`", "/?q=\"<>", "/?q=a|b{}^`", "/é", "/?q=é", "/a%20b", "/%C3%A9?q=%3D%26"];

async fn unusual_urls_reach_service(proxy: Deployment) {
    let key = proxy.api.create_key_with(&["inference"]).await;
    for url in UNUSUAL_URLS {
        let request = format!(
            "GET {url} HTTP/1.1\r\nHost: site.example\r\nX-Api-Key: {}\r\nConnection: close\r\n\r\n",
            key.secret
        );
        let answer = raw_http::exchange(&proxy.url, request).await.unwrap();
        if url.is_ascii() || proxy.program.accepts_raw_utf8() {
            assert_names_caller(&proxy, &answer, &key);
        } else {
            assert_eq!(
                (answer.status.as_u16(), answer.header("x-request-id")),
                (400, ""),
                "{url}: {answer:?}"
            );
        }
    }
}
