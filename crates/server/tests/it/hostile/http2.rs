//! HTTP/2, which carries the host elsewhere and frames what HTTP/1.1 delimits.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::cast::Cast;
use crate::harness::until;
use crate::raw::connect;

async fn ask(cast: &Cast, uri: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    ask_by(cast, Method::GET, uri, headers).await
}

async fn ask_by(cast: &Cast, method: Method, uri: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let io = TokioIo::new(connect(&cast.server.url).await);
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

/// Browsers speak HTTP/2 as soon as there is a certificate.
#[tokio::test]
async fn pages_and_the_api_answer_over_http_2() {
    let cast = Cast::assemble().await;
    let url = &cast.server.url;
    let (status, page) = ask(&cast, &format!("{url}/sign-in"), &[]).await;
    assert_eq!(status, 200, "{page}");
    let cookie = &cast.members[0].1.cookie;
    let (status, page) = ask(&cast, &format!("{url}/w/ours/settings/api-keys"), &[("cookie", cookie)]).await;
    assert_eq!(status, 200, "{page}");
    let own = ("x-keyrack-workspace", "ours");
    assert_eq!(ask(&cast, &format!("{url}/api/v1/keys"), &[("cookie", cookie), own]).await.0, 200);
    assert_eq!(ask(&cast, &format!("{url}/api/v1/keys"), &[("x-api-key", cast.key())]).await.0, 200);
    assert_eq!(ask(&cast, &format!("{url}/api/v1/keys"), &[]).await.0, 401);
}

/// The host is in the address there, and stays while the path below the question becomes what it is about.
#[tokio::test]
async fn a_proxy_asks_over_http_2() {
    let cast = Cast::assemble().await;
    for (rest, yes) in [("", 204), ("/", 200), ("/predict/7?a=b", 200)] {
        let url = format!("{}/api/v1/forward-auth{rest}", cast.server.url);
        let headers = [("x-api-key", cast.key()), ("x-keyrack-for-workspace", "ours")];
        let (status, body) = ask(&cast, &url, &headers).await;
        assert_eq!(status, yes, "{rest} {body}");
    }
}

#[tokio::test]
async fn a_preflight_of_what_proxies_ask_is_no_yes_over_http_2() {
    let cast = Cast::assemble().await;
    let page = [("origin", "https://app.example.org"), ("access-control-request-method", "GET")];
    for (rest, no) in [("", 405), ("/", 401), ("/predict/7", 401)] {
        let url = format!("{}/api/v1/forward-auth{rest}", cast.server.url);
        assert_eq!(ask_by(&cast, Method::OPTIONS, &url, &page).await.0, no, "{rest}");
    }
}

/// The host is in the URI there, whatever `Host` says.
#[tokio::test]
async fn a_page_at_a_name_that_was_turned_here_is_elsewhere_over_http_2() {
    let cast = Cast::assemble().await;
    let key = &cast.holding(&[keyrack_key::Scope::Project]).secret;
    let page = [("x-api-key", key.as_str()), ("sec-fetch-site", "same-origin"), ("host", cast.host())];
    assert_eq!(ask(&cast, "https://evil.example/api/v1/projects", &page).await.0, 403);
    let own = format!("{}/api/v1/projects", cast.server.url);
    assert_eq!(ask(&cast, &own, &page[..2]).await.0, 200);
}

/// What is framed as a body there would be an error of the protocol.
#[tokio::test]
async fn a_refused_head_has_no_body_over_http_2() {
    let cast = Cast::assemble().await;
    for path in ["forward-auth", "forward-auth/predict/7", "keys", "nothing"] {
        let url = format!("{}/api/v1/{path}", cast.server.url);
        let (status, body) = ask_by(&cast, Method::HEAD, &url, &[]).await;
        assert!(status.is_client_error() && body.is_empty(), "{path} {status} {body}");
    }
}

#[tokio::test]
async fn a_foreign_authority_is_refused_over_http_2() {
    let cast = Cast::assemble().await;
    assert_eq!(ask(&cast, "http://evil.example/sign-in", &[]).await.0, 421);
    let own = cast.host();
    let (status, _) = ask(&cast, "http://evil.example/sign-in", &[(header::HOST.as_str(), own)]).await;
    assert!(status == 421 || status == 400, "{status}");
}

#[tokio::test]
async fn headers_without_end_are_refused_over_http_2() {
    let cast = Cast::assemble().await;
    let long = "a".repeat(20_000);
    let url = format!("{}/api/v1/keys", cast.server.url);
    let (status, body) =
        ask(&cast, &url, &[("x-one", &long), ("x-two", &long), ("x-api-key", cast.key())]).await;
    assert_eq!(status, 431);
    assert!(body.contains("headers_too_large") && body.contains("request_id"), "{body}");
    // As many as with HTTP/1.1. There all cookies share one header, and here each may have its own.
    let names: Vec<String> = (0..100).map(|number| format!("x-{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let (status, body) = ask(&cast, &url, &many).await;
    assert_eq!(status, 431);
    assert!(body.contains("headers_too_large") && body.contains("request_id"), "{body}");
    let cookies = [[("cookie", "a=b"); 150].as_slice(), &many[..98], &[("x-api-key", cast.key())]].concat();
    let (status, body) = ask(&cast, &url, &cookies).await;
    assert_eq!(status, 200, "{body}");
}

/// With HTTP/2 a client can take nothing of an answer and leave the socket free.
#[tokio::test]
async fn a_connection_is_closed_whose_client_takes_nothing_of_an_answer() {
    let cast = Cast::assemble().await;
    let io = TokioIo::new(connect(&cast.server.url).await);
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.initial_stream_window_size(0).handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("{}/docs", cast.server.url)).body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(30), connection).await;
    drop(ended.expect("the server closes the connection"));
    let metrics = cast.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_connections_stalled_total{listener=\"public\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn response_without_window_counts_in_memory_until_its_connection_ends() {
    let cast = Cast::assemble().await;
    let counted = async || {
        let metrics = cast.server.ops("/metrics").await.text;
        let line = "keyrack_memory_bytes{purpose=\"responses\"} ";
        metrics.lines().find_map(|one| one.strip_prefix(line)?.parse::<u64>().ok())
    };
    let io = TokioIo::new(connect(&cast.server.url).await);
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.initial_stream_window_size(0).handshake(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("{}/openapi.json", cast.server.url));
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let waiting = until("the response counts", async || counted().await.filter(|bytes| *bytes > 0)).await;
    assert!(waiting > 100_000, "{waiting}");
    connection.abort();
    drop((answer, sender));
    until("its memory is free", async || counted().await.filter(|bytes| *bytes == 0)).await;
}
