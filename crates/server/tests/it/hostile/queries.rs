//! Query parameters of the OpenAPI document, and of the list pages.

use reqwest::Method;
use serde_json::Value;

use super::texts::TextRule;
use crate::coverage::path_in;
use crate::fixtures::AccessFixture;
use crate::harness::send;
use crate::raw_http::exchange;
use keyrack_store::Role;

/// Search parameters, which accept any text.
const SEARCHED: [&str; 1] = ["q"];

#[tokio::test]
async fn invalid_query_parameter_is_rejected_by_name() {
    let fixture = AccessFixture::start().await;
    let document = send(fixture.server.request(Method::GET, "/api/v1/openapi.json")).await.json();
    let mut checked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path_in(&fixture.ours, path);
        let parameters = methods["get"]["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            for query in invalid_values(name, parameter) {
                let answer =
                    fixture.server.get(&format!("/api/v1{path}?{name}={query}"), fixture.key()).await;
                answer.check_field_error(name);
                answer.assert_client_error();
                checked += 1;
            }
            let twice = fixture.server.get(&format!("/api/v1{path}?{name}=a&{name}=b"), fixture.key()).await;
            twice.check_field_error(name);
            for anything in
                ["%00", "%ff%fe", "%", "%zz", "+", "%F0%9F%93%B7", "%25%5F%5C", "'%20OR%201=1%20--"]
            {
                let answer =
                    fixture.server.get(&format!("/api/v1{path}?{name}={anything}"), fixture.key()).await;
                assert!(matches!(answer.status.as_u16(), 200 | 422), "{answer:?}");
            }
        }
    }
    assert!(checked > 50, "{checked}");
}

fn invalid_values(name: &str, parameter: &Value) -> Vec<String> {
    let kind = parameter["schema"]["type"].to_string();
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    if SEARCHED.contains(&name) {
        return vec!["a".repeat(101), "_".repeat(30_000), "%25".repeat(9_000)];
    }
    let numbers = [
        "0",
        "-1",
        "201",
        "1.5",
        "1e2",
        "0x10",
        "99999999999999999999",
        "4294967296",
        "4294967346",
        "NaN",
        "٥٠",
    ];
    let mut texts: Vec<String> = TextRule::Words
        .invalid_texts()
        .into_iter()
        .map(|(_, text)| text)
        .filter(|text| text.len() < 5_000)
        .collect();
    if kind.contains("integer") {
        texts.extend(numbers.map(str::to_owned));
    }
    texts.iter().map(|text| encode(text)).collect()
}

#[tokio::test]
async fn list_page_with_any_query_is_shown() {
    let fixture = AccessFixture::start().await;
    let owner = fixture.member(Role::Owner);
    let searched =
        ["/w/ours/settings/api-keys", "/w/ours/projects", "/w/ours/settings/audit-log", "/docs/search"];
    for page in searched {
        for name in ["q", "scope", "status", "cursor", "who", "what", "about", "from", "until"] {
            for (_, text) in
                TextRule::Words.invalid_texts().into_iter().filter(|(_, text)| text.len() < 5_000)
            {
                let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
                let path = format!("{page}?{name}={text}");
                let answer = send(owner.request(&fixture.server, Method::GET, &path)).await;
                assert_eq!(answer.status, 200, "{path}: {answer:?}");
            }
            let path = format!("{page}?{name}=a&{name}=b");
            let answer = send(owner.request(&fixture.server, Method::GET, &path)).await;
            assert!(matches!(answer.status.as_u16(), 200 | 400 | 422), "{answer:?}");
            assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
        }
        let path = format!("{page}?q={}", "_".repeat(28_000));
        assert_eq!(send(owner.request(&fixture.server, Method::GET, &path)).await.status, 200);
    }
}

#[tokio::test]
async fn oversized_query_is_rejected() {
    let fixture = AccessFixture::start().await;
    for length in [40_000, 70_000, 1_000_000] {
        let target = format!("/api/v1/keys?q={}", "a".repeat(length));
        let request =
            format!("GET {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", fixture.host());
        let answer = exchange(&fixture.server.url, request).await;
        assert!(answer.is_none_or(|answer| matches!(answer.status.as_u16(), 414 | 431)), "{length}");
    }
}
