//! The API from pages of other origins: what they can read, and which keys are allowed.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack::api::Route;
use keyrack_guard::Guard;
use keyrack_key::{Brands, Scope, Timestamp};
use keyrack_rack::Rack;
use keyrack_store::Role;
use reqwest::Method;
use serde_json::json;

use super::fixture::PredictionFixture;
use super::samples::pattern_image;
use crate::fixtures::AccessFixture;
use crate::harness::{Answer, Server, send};

const PAGE: &str = "https://app.example.org";

/// The headers that clients and their environment add to requests of a page.
const REQUESTED: &str =
    "authorization,content-type,sentry-trace,traceparent,x-api-key,x-client-sdk,x-requested-with";

fn assert_readable(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{answer:?}");
    assert_eq!(answer.header("access-control-allow-credentials"), "", "{answer:?}");
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    let read = [
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "x-request-id",
        "www-authenticate",
        "etag",
        "location",
        "allow",
    ];
    for name in read {
        assert!(exposed.split(", ").any(|one| one == name), "{name}: {exposed}");
    }
}

/// The response to a preflight doesn't depend on a key in the query, and the preflight isn't a use of the key.
#[tokio::test]
async fn every_route_answers_cors_preflight() {
    let fixture = AccessFixture::start().await;
    let server = &fixture.server;
    let before = decisions(server).await;
    let live = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    let keys = ["nonsense", live, fixture.key(), &fixture.deleted, &fixture.expired];
    let queries = keys.map(|key| format!("?api-key={key}"));
    let guard = Guard::new(Arc::new(Rack::new()), Brands::default(), || Timestamp::from_micros(0));
    // Pages don't call this route; `proxies::forward_auth` tests it.
    let routes =
        keyrack::api::routes(Arc::new(guard)).into_iter().filter(|route| route.path != "/forward-auth");
    for route in routes {
        let path = format!("/api/v1{}/", route.path.replace(['{', '}'], ""));
        for query in [""].into_iter().chain(queries.iter().map(String::as_str)) {
            let preflight = server.request(Method::OPTIONS, &format!("{path}{query}")).header("origin", PAGE);
            let preflight = preflight.header("access-control-request-method", route.method.as_str());
            let preflight = preflight.header("access-control-request-headers", REQUESTED);
            assert_preflight_allows(&send(preflight).await, &route);
        }
    }
    assert_eq!(decisions(server).await, before);
    let nowhere = send(server.request(Method::OPTIONS, "/api/v1/nowhere").header("origin", PAGE)).await;
    assert_readable(&nowhere.assert_problem(404, "not_found"));
    let page = send(server.request(Method::OPTIONS, "/sign-in").header("origin", PAGE)).await;
    assert_eq!((page.status.as_u16(), page.header("access-control-allow-origin")), (405, ""));
}

fn assert_preflight_allows(answer: &Answer, route: &Route) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{}: {answer:?}", route.path);
    assert_readable(answer);
    let methods = answer.header("access-control-allow-methods");
    assert!(methods.split(',').any(|one| one.trim() == route.method.as_str()), "{}: {methods}", route.path);
    assert_eq!(answer.header("access-control-max-age"), "86400");
    let allowed = answer.header("access-control-allow-headers").to_lowercase();
    for name in REQUESTED.split(',').chain(["idempotency-key", "if-match"]) {
        assert!(allowed.split(", ").any(|one| one == name), "{name}: {allowed}");
    }
    let varies = answer.header("vary").to_lowercase();
    assert!(varies.contains("access-control-request-headers"), "{answer:?}");
}

/// The metrics of all key checks so far.
async fn decisions(server: &Server) -> Vec<String> {
    let metrics = server.ops("/metrics").await.text;
    metrics.lines().filter(|line| line.starts_with("keyrack_key_checks")).map(str::to_owned).collect()
}

#[tokio::test]
async fn wider_key_is_denied_on_pages_of_other_origins() {
    let predictions = PredictionFixture::start().await;
    let large = predictions.server.create_secret(&["project", "inference"]).await;
    let path = format!("/api/v1/predict/classify/{}", predictions.classifier);
    let body = json!({ "image": BASE64_STANDARD.encode(pattern_image(1, 9)) });
    let ask = async |key: &str, headers: &[(&str, &str)]| {
        let request = predictions.server.request(Method::POST, &path).bearer_auth(key).json(&body);
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let ours = predictions.server.url.clone();
    for from in [
        &[("origin", PAGE)][..],
        &[("origin", "null")],
        &[("origin", PAGE), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", &ours), ("sec-fetch-site", "same-site")],
    ] {
        assert_readable(&ask(&predictions.key, from).await.ok());
        let denied = ask(&large, from).await;
        assert_readable(&denied);
        let response = denied.problem(403, "key_in_browser");
        assert!(response["message"].as_str().unwrap().contains("publishable key"), "{response}");
        assert!(response["manage_url"].as_str().unwrap().starts_with(&ours), "{response}");
        assert!(!denied.text.contains(&large));
        let projects = predictions.server.request(Method::GET, "/api/v1/projects").bearer_auth(&large);
        let projects = from.iter().fold(projects, |request, (name, value)| request.header(*name, *value));
        send(projects).await.assert_problem(403, "key_in_browser");
    }
    for from in [
        &[][..],
        // The `fetch` of Node.js sends this header too.
        &[("sec-fetch-mode", "cors")],
        &[("origin", &ours), ("sec-fetch-site", "same-origin")],
        &[("origin", &ours)],
    ] {
        assert_readable(&ask(&large, from).await.ok());
    }
    let metrics = predictions.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_key_checks_total{outcome=\"key_in_browser\"} 10"), "{metrics}");
}

#[tokio::test]
async fn public_url_sets_own_origin() {
    let server = Server::start_with(&["--public-url", "https://keys.example.org"], &[]).await;
    crate::harness::setup(&server.data()).run().await.assert_succeeded();
    let key = server.create_secret(&["project"]).await;
    let ask = async |origin: &str| {
        send(server.request(Method::GET, "/api/v1/projects").bearer_auth(&key).header("origin", origin)).await
    };
    ask("https://keys.example.org").await.ok();
    ask("https://keys.example.org.evil.example").await.assert_problem(403, "key_in_browser");
    ask("http://keys.example.org").await.assert_problem(403, "key_in_browser");
}

/// A page can resolve its own host name to this server (DNS rebinding) and is then same-origin for its browser.
#[tokio::test]
async fn page_at_rebound_host_counts_as_other_origin() {
    for public in [&[][..], &["--public-url", "http://keys.example.org"]] {
        let fixture = AccessFixture::start_with(public).await;
        let port = fixture.host().rsplit(':').next().unwrap().to_owned();
        let key = fixture.key_with_scopes(&[Scope::Project]);
        let ask = async |secret: &str, host: &str, headers: &[(&str, &str)]| {
            let request = fixture.server.request(Method::GET, "/api/v1/projects").bearer_auth(secret);
            let request = request.header("host", host);
            send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
        };
        let evil = format!("evil.example:{port}");
        let origin = format!("http://{evil}");
        for page in [
            &[("origin", origin.as_str()), ("sec-fetch-site", "same-origin")][..],
            &[("origin", &origin)],
            &[("sec-fetch-site", "same-origin")],
        ] {
            ask(&key.secret, &evil, page).await.assert_problem(403, "key_in_browser");
            // A session is ignored as well.
            let request = fixture.server.request(Method::GET, "/api/v1/projects").header("host", &evil);
            let request = request.header("cookie", &fixture.member(Role::Owner).cookie);
            let request = page.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            send(request.header("x-keyrack-workspace", "ours")).await.assert_problem(421, "foreign_host");
        }
        let path = format!("/api/v1/keys/{}/exposures", key.id);
        let exposed = crate::harness::wait_until("the exposure is recorded", async || {
            let items = fixture.server.get(&path, fixture.key()).await.json()["items"].clone();
            items.as_array().filter(|items| !items.is_empty()).cloned()
        });
        assert!(exposed.await.iter().any(|place| place["origin"] == *origin));
        // Programs can use any host name; our own pages use ours.
        ask(&key.secret, &evil, &[]).await.ok();
        for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")] {
            let own = format!("http://{host}");
            ask(&key.secret, &host, &[("origin", &own), ("sec-fetch-site", "same-origin")]).await.ok();
        }
        // The URL has plain HTTP, since the test's session cookie needs it.
        let named = ask(&key.secret, "keys.example.org", &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(named.status == 200, !public.is_empty(), "{named:?}");
    }
}

#[tokio::test]
async fn problem_responses_are_readable_by_pages() {
    let server = Server::start().await;
    for key in ["", "nonsense", &crate::fixtures::unknown_secret()] {
        let request = server.request(Method::GET, "/api/v1/projects").header("origin", PAGE);
        assert_readable(&send(request.bearer_auth(key)).await);
    }
    assert_readable(&send(server.request(Method::GET, "/api/v1/nowhere").header("origin", PAGE)).await);
    assert_readable(&send(server.request(Method::DELETE, "/api/v1/scopes").header("origin", PAGE)).await);
    let large = server.request(Method::POST, "/api/v1/verify").header("content-type", "application/json");
    assert_readable(&send(large.body(" ".repeat(70_000))).await);
}

/// The session cookie is ignored on pages of other origins, even for reads.
#[tokio::test]
async fn session_on_page_of_other_origin_is_ignored() {
    let fixture = AccessFixture::start().await;
    let owner = fixture.member(Role::Owner);
    let list = |headers: &[(&str, &str)]| {
        let request = fixture.server.request(Method::GET, "/api/v1/projects").header("cookie", &owner.cookie);
        let request = request.header("x-keyrack-workspace", fixture.ours.slug);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    for elsewhere in [
        &[("origin", PAGE)][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &fixture.server.url)],
    ] {
        send(list(elsewhere)).await.assert_problem(401, "missing_key");
        // A key in the request takes precedence over the cookie.
        let key = fixture.key_with_scopes(&[Scope::Inference]);
        send(list(elsewhere).bearer_auth(&key.secret)).await.assert_problem(403, "insufficient_scope");
    }
    send(list(&[("sec-fetch-site", "same-origin")])).await.ok();
    send(list(&[("origin", &fixture.server.url)])).await.ok();
}
