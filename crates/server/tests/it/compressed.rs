//! What answers say to browsers and caches beside their content: in which encoding it is, what it depends on, and how long it
//! stays as it is.

use std::io::Read;

use flate2::read::GzDecoder;
use keyrack_store::Role;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;

use crate::cast::Cast;
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

/// The address of our style sheet, as pages name it.
async fn style(server: &Server) -> String {
    let page = send(server.request(Method::GET, "/docs")).await.text;
    page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn answers_are_compressed_as_the_client_accepts_it_and_stay_the_same() {
    let cast = Cast::assemble().await;
    let paths = ["/docs", "/api/v1/openapi.json", &style(&cast.server).await, "/api/v1/keys?limit=200"];
    for path in paths {
        let request = || cast.server.request(Method::GET, path).header("x-api-key", cast.key());
        let request =
            || if path.starts_with("/api") { request() } else { cast.server.request(Method::GET, path) };
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

/// The length of what is compressed together with a secret tells how much of it is like the secret (BREACH).
#[tokio::test]
async fn no_answer_that_holds_a_secret_is_compressed() {
    let cast = Cast::assemble().await;
    let post = async |path: &str, body: serde_json::Value| {
        let request = cast.server.request(Method::POST, path).bearer_auth(cast.key()).json(&body);
        let answer = ask(request, "gzip, br").await;
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        assert_eq!(header(&answer, "content-encoding"), "", "{path}");
        answer.text().await.unwrap()
    };
    let note = "kr_sk_".repeat(80);
    let new = json!({ "name": "kr_sk_".repeat(16), "scopes": ["inference"], "note": note });
    let made = post("/api/v1/keys", new).await;
    assert!(made.len() > 1_024, "long enough to be worth it");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let rotated =
        post(&format!("/api/v1/keys/{}/rotate", text(&made["id"])), json!({ "gracePeriod": "1h" })).await;
    assert!(rotated.len() > 1_024);
    post(&format!("/api/v1/projects/{}/upload", cast.ours.project), json!({ "name": "a.png" })).await;

    let owner = cast.member(Role::Owner);
    let path = "/w/ours/settings/api-keys/new";
    let form = send(owner.request(&cast.server, Method::GET, path)).await.text;
    let nonce = form.split("name=\"nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let request = owner.request(&cast.server, Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(format!("name=gate&scope=inference&nonce={nonce}"));
    let page = ask(request, "gzip, br").await;
    assert_eq!((page.status().as_u16(), header(&page, "content-encoding")), (200, ""));
    assert!(page.text().await.unwrap().contains("kr_sk_"));
}

#[tokio::test]
async fn the_setup_page_holds_a_secret_as_well() {
    let server = Server::start().await;
    let link = server.setup_link.clone().unwrap();
    let path = link.strip_prefix(&server.url).unwrap();
    let page = ask(server.request(Method::GET, path), "gzip, br").await;
    assert_eq!((page.status().as_u16(), header(&page, "content-encoding")), (200, ""));
}

#[tokio::test]
async fn what_proxies_ask_is_answered_as_it_is() {
    let cast = Cast::assemble().await;
    for (method, below) in [(Method::GET, ""), (Method::POST, "/predict/7")] {
        let path = format!("/api/v1/forward-auth{below}");
        let asks = cast.server.request(method, &path).header("x-api-key", &cast.deleted);
        let asks =
            asks.header("x-keyrack-for-workspace", "ours").header("x-keyrack-permission", "models:predict");
        let answer = ask(asks, "gzip, br").await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-encoding")), (401, ""));
        assert_eq!(header(&answer, "strict-transport-security"), "");
    }
}

#[tokio::test]
async fn browsers_stay_on_https_once_they_have_been_there() {
    let server = Server::with(&["--public-url", "https://keys.example.org"], &[]).await;
    for path in ["/docs", "/api/v1/scopes", "/api/v1/nothing", "/favicon.ico", "/nothing"] {
        let asks = server.request(Method::GET, path).header("host", "keys.example.org");
        let answer = send(asks).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}: {answer:?}");
    }
    let proxy = send(server.request(Method::GET, "/api/v1/forward-auth")).await;
    assert_eq!(proxy.header("strict-transport-security"), "", "a proxy would hand it on");
    let server = Server::start().await;
    let answer = send(server.request(Method::GET, "/docs")).await;
    assert_eq!(answer.header("strict-transport-security"), "", "not with plain HTTP (RFC 6797, section 7.2)");
}

#[tokio::test]
async fn the_icon_is_where_programs_look_for_it() {
    let server = Server::start().await;
    let icon = send(server.request(Method::GET, "/favicon.ico")).await;
    assert_eq!((icon.status.as_u16(), icon.header("content-type")), (200, "image/svg+xml"));
    assert!(icon.text.contains("<svg"));
}
