//! HTTP/2, which transfers the host in the URI and delimits messages with frames.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::fixtures::AccessFixture;
use crate::harness::wait_until;
use crate::raw_http::connect;

async fn ask(fixture: &AccessFixture, uri: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    ask_by(fixture, Method::GET, uri, headers).await
}

async fn ask_by(
    fixture: &AccessFixture,
    method: Method,
    uri: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, String) {
    let io = TokioIo::new(connect(&fixture.server.url).await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Browsers use HTTP/2 for every server with TLS.
#[tokio::test]
async fn pages_and_api_respond_over_http2() {
    let fixture = AccessFixture::start().await;
    let url = &fixture.server.url;
    let (status, page) = ask(&fixture, &format!("{url}/sign-in"), &[]).await;
    assert_eq!(status, 200, "{page}");
    let cookie = &fixture.members[0].1.cookie;
    let (status, page) =
        ask(&fixture, &format!("{url}/w/ours/settings/api-keys"), &[("cookie", cookie)]).await;
    assert_eq!(status, 200, "{page}");
    let own = ("x-keyrack-workspace", "ours");
    assert_eq!(ask(&fixture, &format!("{url}/api/v1/keys"), &[("cookie", cookie), own]).await.0, 200);
    assert_eq!(ask(&fixture, &format!("{url}/api/v1/keys"), &[("x-api-key", fixture.key())]).await.0, 200);
    assert_eq!(ask(&fixture, &format!("{url}/api/v1/keys"), &[]).await.0, 401);
}

/// The host is part of the URI. It must stay when the server rewrites the path.
#[tokio::test]
async fn forward_auth_over_http2_is_allowed() {
    let fixture = AccessFixture::start().await;
    for (rest, allowed) in [("", 204), ("/", 200), ("/predict/7?a=b", 200)] {
        let url = format!("{}/api/v1/forward-auth{rest}", fixture.server.url);
        let headers = [("x-api-key", fixture.key()), ("x-keyrack-for-workspace", "ours")];
        let (status, body) = ask(&fixture, &url, &headers).await;
        assert_eq!(status, allowed, "{rest} {body}");
    }
}

#[tokio::test]
async fn forward_auth_preflight_over_http2_is_denied() {
    let fixture = AccessFixture::start().await;
    let page = [("origin", "https://app.example.org"), ("access-control-request-method", "GET")];
    for (rest, denied) in [("", 405), ("/", 401), ("/predict/7", 401)] {
        let url = format!("{}/api/v1/forward-auth{rest}", fixture.server.url);
        assert_eq!(ask_by(&fixture, Method::OPTIONS, &url, &page).await.0, denied, "{rest}");
    }
}

/// The host is part of the URI, regardless of `Host`.
#[tokio::test]
async fn rebound_host_over_http2_is_denied() {
    let fixture = AccessFixture::start().await;
    let key = &fixture.key_with_scopes(&[keyrack_key::Scope::Project]).secret;
    let page = [("x-api-key", key.as_str()), ("sec-fetch-site", "same-origin"), ("host", fixture.host())];
    assert_eq!(ask(&fixture, "https://evil.example/api/v1/projects", &page).await.0, 403);
    let own = format!("{}/api/v1/projects", fixture.server.url);
    assert_eq!(ask(&fixture, &own, &page[..2]).await.0, 200);
}

/// A response body to HEAD would be a protocol error in HTTP/2.
#[tokio::test]
async fn denied_head_over_http2_has_no_body() {
    let fixture = AccessFixture::start().await;
    for path in ["forward-auth", "forward-auth/predict/7", "keys", "nothing"] {
        let url = format!("{}/api/v1/{path}", fixture.server.url);
        let (status, body) = ask_by(&fixture, Method::HEAD, &url, &[]).await;
        assert!(status.is_client_error() && body.is_empty(), "{path} {status} {body}");
    }
}

#[tokio::test]
async fn foreign_authority_over_http2_is_rejected() {
    let fixture = AccessFixture::start().await;
    assert_eq!(ask(&fixture, "http://evil.example/sign-in", &[]).await.0, 421);
    let own = fixture.host();
    let (status, _) = ask(&fixture, "http://evil.example/sign-in", &[(header::HOST.as_str(), own)]).await;
    assert!(status == 421 || status == 400, "{status}");
}

#[tokio::test]
async fn oversized_headers_over_http2_are_rejected() {
    let fixture = AccessFixture::start().await;
    let long = "a".repeat(20_000);
    let url = format!("{}/api/v1/keys", fixture.server.url);
    let (status, body) =
        ask(&fixture, &url, &[("x-one", &long), ("x-two", &long), ("x-api-key", fixture.key())]).await;
    assert_eq!(status, 431);
    assert!(body.contains("headers_too_large") && body.contains("request_id"), "{body}");
    // The limit is the same as in HTTP/1.1. HTTP/1.1 sends all cookies in one header; HTTP/2 may send each in its own.
    let names: Vec<String> = (0..100).map(|number| format!("x-{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let (status, body) = ask(&fixture, &url, &many).await;
    assert_eq!(status, 431);
    assert!(body.contains("headers_too_large") && body.contains("request_id"), "{body}");
    let cookies =
        [[("cookie", "a=b"); 150].as_slice(), &many[..98], &[("x-api-key", fixture.key())]].concat();
    let (status, body) = ask(&fixture, &url, &cookies).await;
    assert_eq!(status, 200, "{body}");
}

/// An HTTP/2 client can refuse to receive a response while the socket stays writable.
#[tokio::test]
async fn stalled_http2_client_is_disconnected() {
    let fixture = AccessFixture::start().await;
    let io = TokioIo::new(connect(&fixture.server.url).await);
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.initial_stream_window_size(0).handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("{}/docs", fixture.server.url)).body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(30), connection).await;
    drop(ended.expect("the server closes the connection"));
    let metrics = fixture.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_connections_stalled_total{listener=\"public\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn unsent_http2_response_counts_as_memory_until_closed() {
    let fixture = AccessFixture::start().await;
    let counted = async || {
        let metrics = fixture.server.ops("/metrics").await.text;
        let line = "keyrack_memory_bytes{purpose=\"responses\"} ";
        metrics.lines().find_map(|one| one.strip_prefix(line)?.parse::<u64>().ok())
    };
    let io = TokioIo::new(connect(&fixture.server.url).await);
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.initial_stream_window_size(0).handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("{}/openapi.json", fixture.server.url));
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let waiting =
        wait_until("the response counts as memory", async || counted().await.filter(|bytes| *bytes > 0))
            .await;
    assert!(waiting > 100_000, "{waiting}");
    connection.abort();
    drop((answer, sender));
    wait_until("its memory is free", async || counted().await.filter(|bytes| *bytes == 0)).await;
}
