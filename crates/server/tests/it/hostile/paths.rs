//! Unusual paths, methods, and HTTP versions.

use keyrack_store::Role;
use reqwest::Method;

use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send};
use crate::raw_http::exchange;

async fn line(fixture: &AccessFixture, start: &str, more: &str) -> Option<Answer> {
    exchange(
        &fixture.server.url,
        format!("{start}\r\nhost: {}\r\nconnection: close\r\n{more}\r\n", fixture.host()),
    )
    .await
}

#[tokio::test]
async fn traversal_and_unknown_paths_are_not_found() {
    let fixture = AccessFixture::start().await;
    let (key, cookie) = (format!("x-api-key: {}\r\n", fixture.key()), &fixture.member(Role::Owner).cookie);
    let cookie = format!("cookie: {cookie}\r\n");
    let browser = format!("{cookie}accept: text/html\r\n");
    let nowhere = [
        "..",
        "../../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%00",
        "x%00y",
        "%ff%fe",
        "%c0%ae%c0%ae",
        "%",
        "%zz",
        ";",
        "~root",
        "\\..\\..\\",
        ".git/config",
        "a/b/c",
        "%0d%0aset-cookie:x=y",
        "{id}",
        "*",
        "_",
        "null",
        "0",
    ];
    let below = [
        ("/api/v1/keys/", &key),
        ("/api/v1/projects/", &key),
        ("/api/v1/", &key),
        ("/assets/", &cookie),
        ("/w/ours/settings/api-keys/", &cookie),
        ("/w/ours/projects/", &cookie),
        ("/w/", &cookie),
        ("/keys/", &browser),
        ("/", &cookie),
    ];
    for (start, credential) in below {
        for path in nowhere {
            let answer = line(&fixture, &format!("GET {start}{path} HTTP/1.1"), credential).await.unwrap();
            let status = answer.status.as_u16();
            // Some of these paths exist once the client has removed the dots.
            assert!(matches!(status, 400 | 404), "{start}{path}: {answer:?}");
            assert!(!answer.text.contains("root:"), "{answer:?}");
            assert_eq!(answer.header("set-cookie"), "");
            answer.assert_client_error_or_page();
            if start.starts_with("/w") {
                assert!(answer.header("content-type").starts_with("text/html"), "{start}{path}: {answer:?}");
            }
        }
        let long = "a".repeat(20_000);
        assert_eq!(
            line(&fixture, &format!("GET {start}{long} HTTP/1.1"), credential).await.unwrap().status,
            404
        );
    }
}

#[tokio::test]
async fn unsupported_method_is_rejected_with_allow_header() {
    let fixture = AccessFixture::start().await;
    for method in ["PUT", "TRACE", "CONNECT", "BREW", "get", "PROPFIND", "QUERY"] {
        let answer = line(&fixture, &format!("{method} /api/v1/scopes HTTP/1.1"), "").await.unwrap();
        // CONNECT takes a host in place of a path.
        if answer.header("content-type").is_empty() {
            assert!(method == "CONNECT" && answer.status.is_client_error(), "{answer:?}");
            continue;
        }
        answer.problem(405, "method_not_allowed");
        assert!(answer.header("allow").contains("GET"), "{answer:?}");
        let page = line(&fixture, &format!("{method} /sign-in HTTP/1.1"), "sec-fetch-site: same-origin\r\n")
            .await
            .unwrap();
        assert_eq!(page.status, 405, "{page:?}");
        assert!(
            page.header("content-type").starts_with("text/html") && page.header("allow").contains("POST"),
            "{page:?}"
        );
    }
    for path in ["/api/v1/keys", "/api/v1/projects"] {
        let answer = send(fixture.server.request(Method::PUT, path).bearer_auth(fixture.key())).await;
        answer.problem(405, "method_not_allowed");
        let allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        assert!(allowed.contains(&"GET") && allowed.contains(&"POST"), "{answer:?}");
        let answer = send(fixture.server.request(Method::HEAD, path).bearer_auth(fixture.key())).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    }
    let overridden = fixture.server.request(Method::GET, "/api/v1/keys").bearer_auth(fixture.key());
    let answer = send(overridden.header("x-http-method-override", "DELETE")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn non_http_request_is_rejected() {
    let fixture = AccessFixture::start().await;
    for bytes in [
        &b"\0\0\0\0\0\0\0\0\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 client hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"GET \xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\nhost: 127.0.0.1\nconnection: close\n\n\0\0",
    ] {
        let answer = exchange(&fixture.server.url, bytes).await;
        let is_refused =
            answer.as_ref().is_none_or(|answer| answer.status.is_client_error() || answer.status == 303);
        assert!(is_refused, "{}: {answer:?}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn request_without_own_host_is_rejected() {
    let fixture = AccessFixture::start().await;
    let ask = async |head: &str| {
        exchange(&fixture.server.url, format!("{head}connection: close\r\n\r\n")).await.unwrap()
    };
    let key = format!("x-api-key: {}\r\n", fixture.key());
    // RFC 9112, section 3.2.
    ask(&format!("GET /api/v1/keys HTTP/1.1\r\n{key}")).await.problem(400, "bad_host");
    ask(&format!("GET /api/v1/keys HTTP/1.1\r\nhost: a\r\nhost: b\r\n{key}")).await.problem(400, "bad_host");
    assert_eq!(ask("GET /sign-in HTTP/1.1\r\n").await.status, 400);
    // HTTP/1.0 has no `Host` header: a request with a key is allowed, a page is not.
    assert_eq!(ask(&format!("GET /api/v1/keys HTTP/1.0\r\n{key}")).await.status, 200);
    assert_eq!(ask("GET /sign-in HTTP/1.0\r\n").await.status, 421);
    // The host of the request line takes precedence over `Host`.
    let own = fixture.host();
    assert_eq!(ask(&format!("GET http://{own}/sign-in HTTP/1.1\r\nhost: {own}\r\n")).await.status, 200);
    assert_eq!(
        ask(&format!("GET http://evil.example/sign-in HTTP/1.1\r\nhost: {own}\r\n")).await.status,
        421
    );
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil@127.0.0.1",
        "[::1",
        "127.0.0.1:99999",
        "a b",
        "\"",
        "127.0.0.1/x",
        "127.0.0.1#x",
        "127.0.0.1?x",
    ] {
        let answer = ask(&format!("GET /sign-in HTTP/1.1\r\nhost: {host}\r\n")).await;
        assert_eq!(answer.status, 421, "{host}: {answer:?}");
    }
}

impl Answer {
    /// Panics if the response is neither a small problem nor a page.
    fn assert_client_error_or_page(&self) {
        if !self.header("content-type").starts_with("text/html") {
            self.assert_client_error();
        }
        assert!(self.header("x-request-id").starts_with("req_"), "{self:?}");
    }
}
