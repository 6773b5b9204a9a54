//! Response headers for browsers and caches: encoding, `Vary`, and HSTS.

use std::io::Read;

use flate2::read::GzDecoder;
use keyrack_store::Role;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;

use crate::fixtures::AccessFixture;
use crate::harness::{Server, send, text};

async fn ask(request: RequestBuilder, accepts: &str) -> Response {
    request.header("accept-encoding", accepts).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn plain(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        "gzip" => drop(GzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
        "br" => brotli::BrotliDecompress(&mut &*bytes, &mut plain).unwrap(),
        _ => plain.extend(bytes),
    }
    plain
}

/// The URL of the style sheet, from a page.
async fn style(server: &Server) -> String {
    let page = send(server.request(Method::GET, "/docs")).await.text;
    page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn responses_are_compressed_as_accept_encoding_allows() {
    let fixture = AccessFixture::start().await;
    let paths = ["/docs", "/api/v1/openapi.json", &style(&fixture.server).await, "/api/v1/keys?limit=200"];
    for path in paths {
        let request = || fixture.server.request(Method::GET, path).header("x-api-key", fixture.key());
        let request =
            || if path.starts_with("/api") { request() } else { fixture.server.request(Method::GET, path) };
        let whole = ask(request(), "identity").await;
        assert_eq!((whole.status().as_u16(), header(&whole, "content-encoding")), (200, ""), "{path}");
        assert!(header(&whole, "vary").eq_ignore_ascii_case("accept-encoding"), "{path}: {whole:?}");
        let whole = whole.bytes().await.unwrap();
        for (accepts, encoding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("gzip;q=0, br;q=0", ""),
            ("*;q=0", ""),
            ("identity;q=0", ""),
        ] {
            let answer = ask(request(), accepts).await;
            assert_eq!(answer.status(), 200, "{path} {accepts}");
            assert_eq!(header(&answer, "content-encoding"), encoding, "{path} {accepts}");
            let bytes = answer.bytes().await.unwrap();
            assert_eq!(plain(encoding, &bytes), whole, "{path} {accepts}");
            assert!(
                encoding.is_empty() || bytes.len() < whole.len() / 2,
                "{path} {accepts}: {}",
                bytes.len()
            );
        }
    }
}

/// If a response with a secret is compressed, its length reveals how similar other content is to the secret (BREACH).
#[tokio::test]
async fn responses_with_secrets_are_not_compressed() {
    let fixture = AccessFixture::start().await;
    let post = async |path: &str, body: serde_json::Value| {
        let request = fixture.server.request(Method::POST, path).bearer_auth(fixture.key()).json(&body);
        let answer = ask(request, "gzip, br").await;
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        assert_eq!(header(&answer, "content-encoding"), "", "{path}");
        answer.text().await.unwrap()
    };
    let note = "kr_sk_".repeat(80);
    let new = json!({ "name": "kr_sk_".repeat(16), "scopes": ["inference"], "note": note });
    let created = post("/api/v1/keys", new).await;
    assert!(created.len() > 1_024, "long enough to compress");
    let created: serde_json::Value = serde_json::from_str(&created).unwrap();
    let rotated =
        post(&format!("/api/v1/keys/{}/rotate", text(&created["id"])), json!({ "gracePeriod": "1h" })).await;
    assert!(rotated.len() > 1_024);
    post(&format!("/api/v1/projects/{}/upload", fixture.ours.project), json!({ "name": "a.png" })).await;

    let owner = fixture.member(Role::Owner);
    let path = "/w/ours/settings/api-keys/new";
    let form = send(owner.request(&fixture.server, Method::GET, path)).await.text;
    let nonce = form.split("name=\"nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let request = owner.request(&fixture.server, Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(format!("name=gate&scope=inference&nonce={nonce}"));
    let page = ask(request, "gzip, br").await;
    assert_eq!((page.status().as_u16(), header(&page, "content-encoding")), (200, ""));
    assert!(page.text().await.unwrap().contains("kr_sk_"));
}

#[tokio::test]
async fn setup_page_is_not_compressed() {
    let server = Server::start().await;
    let link = server.setup_link.clone().unwrap();
    let path = link.strip_prefix(&server.url).unwrap();
    let page = ask(server.request(Method::GET, path), "gzip, br").await;
    assert_eq!((page.status().as_u16(), header(&page, "content-encoding")), (200, ""));
}

#[tokio::test]
async fn forward_auth_response_is_not_compressed() {
    let fixture = AccessFixture::start().await;
    for (method, below) in [(Method::GET, ""), (Method::POST, "/predict/7")] {
        let path = format!("/api/v1/forward-auth{below}");
        let requests = fixture.server.request(method, &path).header("x-api-key", &fixture.deleted);
        let requests = requests
            .header("x-keyrack-for-workspace", "ours")
            .header("x-keyrack-permission", "models:predict");
        let answer = ask(requests, "gzip, br").await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-encoding")), (401, ""));
        assert_eq!(header(&answer, "strict-transport-security"), "");
    }
}

#[tokio::test]
async fn hsts_header_is_sent_only_over_https() {
    let server = Server::start_with(&["--public-url", "https://keys.example.org"], &[]).await;
    for path in ["/docs", "/api/v1/scopes", "/api/v1/nothing", "/favicon.ico", "/nothing"] {
        let requests = server.request(Method::GET, path).header("host", "keys.example.org");
        let answer = send(requests).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}: {answer:?}");
    }
    let proxy = send(server.request(Method::GET, "/api/v1/forward-auth")).await;
    assert_eq!(proxy.header("strict-transport-security"), "", "a proxy would forward the header");
    let server = Server::start().await;
    let answer = send(server.request(Method::GET, "/docs")).await;
    assert_eq!(
        answer.header("strict-transport-security"),
        "",
        "plain HTTP has no HSTS (RFC 6797, section 7.2)"
    );
}

#[tokio::test]
async fn favicon_is_served_as_svg() {
    let server = Server::start().await;
    let icon = send(server.request(Method::GET, "/favicon.ico")).await;
    assert_eq!((icon.status.as_u16(), icon.header("content-type")), (200, "image/svg+xml"));
    assert!(icon.text.contains("<svg"));
}
