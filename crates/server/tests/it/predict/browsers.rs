//! The API from pages of other origins: what they may read, and which keys work there.

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

use super::paint::painted;
use super::studio::Studio;
use crate::cast::Cast;
use crate::harness::{Answer, Server, send};

const PAGE: &str = "https://app.example.org";

/// What clients and what surrounds them add to requests of a page.
const REQUESTED: &str =
    "authorization,content-type,sentry-trace,traceparent,x-api-key,x-client-sdk,x-requested-with";

fn is_readable(answer: &Answer) {
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

/// The question that browsers ask before is answered the same whatever key its query carries, and is no use of it.
#[tokio::test]
async fn every_route_answers_what_browsers_ask_before() {
    let cast = Cast::assemble().await;
    let server = &cast.server;
    let before = decisions(server).await;
    let live = &cast.holding(&[Scope::Inference]).secret;
    let keys = ["nonsense", live, cast.key(), &cast.deleted, &cast.expired];
    let queries = keys.map(|key| format!("?api-key={key}"));
    let guard = Guard::new(Arc::new(Rack::new()), Brands::default(), || Timestamp::from_micros(0));
    // Pages do not ask what proxies ask: see `proxies::asked`.
    let routes =
        keyrack::api::routes(Arc::new(guard)).into_iter().filter(|route| route.path != "/forward-auth");
    for route in routes {
        let path = format!("/api/v1{}/", route.path.replace(['{', '}'], ""));
        for query in [""].into_iter().chain(queries.iter().map(String::as_str)) {
            let asked = server.request(Method::OPTIONS, &format!("{path}{query}")).header("origin", PAGE);
            let asked = asked.header("access-control-request-method", route.method.as_str());
            let asked = asked.header("access-control-request-headers", REQUESTED);
            lets_in(&send(asked).await, &route);
        }
    }
    assert_eq!(decisions(server).await, before);
    let nowhere = send(server.request(Method::OPTIONS, "/api/v1/nowhere").header("origin", PAGE)).await;
    is_readable(&nowhere.refused(404, "not_found"));
    let page = send(server.request(Method::OPTIONS, "/sign-in").header("origin", PAGE)).await;
    assert_eq!((page.status.as_u16(), page.header("access-control-allow-origin")), (405, ""));
}

fn lets_in(answer: &Answer, route: &Route) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{}: {answer:?}", route.path);
    is_readable(answer);
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

/// What has been decided about keys until now.
async fn decisions(server: &Server) -> Vec<String> {
    let metrics = server.ops("/metrics").await.text;
    metrics.lines().filter(|line| line.starts_with("keyrack_key_checks")).map(str::to_owned).collect()
}

#[tokio::test]
async fn an_inference_key_works_on_any_page_and_a_larger_one_on_ours_alone() {
    let studio = Studio::open().await;
    let large = studio.server.key(&["project", "inference"]).await;
    let path = format!("/api/v1/predict/classify/{}", studio.classifier);
    let body = json!({ "image": BASE64_STANDARD.encode(painted(1, 9)) });
    let ask = async |key: &str, headers: &[(&str, &str)]| {
        let request = studio.server.request(Method::POST, &path).bearer_auth(key).json(&body);
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let ours = studio.server.url.clone();
    for from in [
        &[("origin", PAGE)][..],
        &[("origin", "null")],
        &[("origin", PAGE), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", &ours), ("sec-fetch-site", "same-site")],
    ] {
        is_readable(&ask(&studio.key, from).await.ok());
        let refused = ask(&large, from).await;
        is_readable(&refused);
        let says = refused.problem(403, "key_in_browser");
        assert!(says["message"].as_str().unwrap().contains("Inference"), "{says}");
        assert!(says["manage_url"].as_str().unwrap().starts_with(&ours), "{says}");
        assert!(!refused.text.contains(&large));
        let projects = studio.server.request(Method::GET, "/api/v1/projects").bearer_auth(&large);
        let projects = from.iter().fold(projects, |request, (name, value)| request.header(*name, *value));
        send(projects).await.refused(403, "key_in_browser");
    }
    for from in [
        &[][..],
        // Node's fetch says so too.
        &[("sec-fetch-mode", "cors")],
        &[("origin", &ours), ("sec-fetch-site", "same-origin")],
        &[("origin", &ours)],
    ] {
        is_readable(&ask(&large, from).await.ok());
    }
    let metrics = studio.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_key_checks_total{outcome=\"key_in_browser\"} 10"), "{metrics}");
}

#[tokio::test]
async fn the_operator_names_the_origin_of_our_pages() {
    let server = Server::with(&["--public-url", "https://keys.example.org"], &[]).await;
    crate::harness::setup(&server.data()).run().await.succeeded();
    let key = server.key(&["project"]).await;
    let ask = async |origin: &str| {
        send(server.request(Method::GET, "/api/v1/projects").bearer_auth(&key).header("origin", origin)).await
    };
    ask("https://keys.example.org").await.ok();
    ask("https://keys.example.org.evil.example").await.refused(403, "key_in_browser");
    ask("http://keys.example.org").await.refused(403, "key_in_browser");
}

/// A page turns its own name to this server's address (DNS rebinding), and is "the same origin" to its browser.
#[tokio::test]
async fn a_page_at_a_name_that_was_turned_to_this_server_is_elsewhere() {
    for public in [&[][..], &["--public-url", "http://keys.example.org"]] {
        let cast = Cast::with(public).await;
        let port = cast.host().rsplit(':').next().unwrap().to_owned();
        let key = cast.holding(&[Scope::Project]);
        let ask = async |secret: &str, host: &str, headers: &[(&str, &str)]| {
            let request = cast.server.request(Method::GET, "/api/v1/projects").bearer_auth(secret);
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
            ask(&key.secret, &evil, page).await.refused(403, "key_in_browser");
            // Nor does a session count there.
            let request = cast.server.request(Method::GET, "/api/v1/projects").header("host", &evil);
            let request = request.header("cookie", &cast.member(Role::Owner).cookie);
            let request = page.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            send(request.header("x-keyrack-workspace", "ours")).await.refused(421, "foreign_host");
        }
        let path = format!("/api/v1/keys/{}/exposures", key.id);
        let exposed = crate::harness::until("the exposure is recorded", async || {
            let items = cast.server.get(&path, cast.key()).await.json()["items"].clone();
            items.as_array().filter(|items| !items.is_empty()).cloned()
        });
        assert!(exposed.await.iter().any(|place| place["origin"] == *origin));
        // A program reaches this server by any name, and our own pages by names of ours.
        ask(&key.secret, &evil, &[]).await.ok();
        for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")] {
            let own = format!("http://{host}");
            ask(&key.secret, &host, &[("origin", &own), ("sec-fetch-site", "same-origin")]).await.ok();
        }
        // Plain HTTP, so that the sign-in of the test keeps its cookie.
        let named = ask(&key.secret, "keys.example.org", &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(named.status == 200, !public.is_empty(), "{named:?}");
    }
}

#[tokio::test]
async fn refusals_are_readable_too() {
    let server = Server::start().await;
    for key in ["", "nonsense", &crate::cast::unknown()] {
        let request = server.request(Method::GET, "/api/v1/projects").header("origin", PAGE);
        is_readable(&send(request.bearer_auth(key)).await);
    }
    is_readable(&send(server.request(Method::GET, "/api/v1/nowhere").header("origin", PAGE)).await);
    is_readable(&send(server.request(Method::DELETE, "/api/v1/scopes").header("origin", PAGE)).await);
    let large = server.request(Method::POST, "/api/v1/verify").header("content-type", "application/json");
    is_readable(&send(large.body(" ".repeat(70_000))).await);
}

/// The cookie of somebody who is signed in opens nothing to a page of another origin, not even to read.
#[tokio::test]
async fn a_session_is_none_elsewhere() {
    let cast = Cast::assemble().await;
    let owner = cast.member(Role::Owner);
    let list = |headers: &[(&str, &str)]| {
        let request = cast.server.request(Method::GET, "/api/v1/projects").header("cookie", &owner.cookie);
        let request = request.header("x-keyrack-workspace", cast.ours.slug);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    for elsewhere in [
        &[("origin", PAGE)][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &cast.server.url)],
    ] {
        send(list(elsewhere)).await.refused(401, "missing_key");
        // A key that comes along is what counts there, and not that there is a cookie.
        let key = cast.holding(&[Scope::Inference]);
        send(list(elsewhere).bearer_auth(&key.secret)).await.refused(403, "insufficient_scope");
    }
    send(list(&[("sec-fetch-site", "same-origin")])).await.ok();
    send(list(&[("origin", &cast.server.url)])).await.ok();
}
