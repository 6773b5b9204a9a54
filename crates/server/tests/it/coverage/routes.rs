//! The router, the OpenAPI document, and the server have the same routes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keyrack::api::{Route, RouteAccess};
use keyrack_key::Scope;
use keyrack_store::Role;
use reqwest::Method;

use super::{api_routes, path_of_missing};
use crate::fixtures::AccessFixture;
use crate::harness::{Server, send};

#[tokio::test]
async fn openapi_document_lists_all_routes_with_their_access() {
    let server = Server::start().await;
    let answer = send(server.request(Method::GET, "/api/v1/openapi.json")).await;
    assert_eq!(answer.status, 200);
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["servers"][0]["url"], "/api/v1");
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let who = operation["x-keyrack-access"]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} states no access"));
            let takes_key = who.starts_with("keys with") || who.contains("the key to verify");
            assert_eq!(operation["security"].is_array(), takes_key, "{method} {path}");
            described.insert((path.clone(), method.to_uppercase(), who.to_owned()));
        }
    }
    let stated: Vec<_> = api_routes();
    let registered: BTreeSet<_> = stated
        .iter()
        .map(|route| (route.path.clone(), route.method.to_string(), who(route.access)))
        .collect();
    assert_eq!(registered.len(), stated.len(), "a route is registered twice");
    assert_eq!(registered, described);
}

#[tokio::test]
async fn openapi_document_is_served_without_key() {
    let fixture = AccessFixture::start().await;
    let ask = || fixture.server.request(Method::GET, "/api/v1/openapi.json");
    let anonymous = send(ask()).await;
    assert_eq!((anonymous.status.as_u16(), anonymous.header("content-type")), (200, "application/json"));
    for requests in [
        ask().bearer_auth(fixture.key()),
        ask().bearer_auth("nonsense"),
        ask().header("cookie", &fixture.stranger.cookie),
    ] {
        assert_eq!(send(requests).await.text, anonymous.text);
    }
}

fn who(access: RouteAccess) -> String {
    match access {
        RouteAccess::Open => "everyone".to_owned(),
        RouteAccess::Signed => "everyone with the signed URL".to_owned(),
        RouteAccess::VerifiesKey => "everyone with the key to verify".to_owned(),
        RouteAccess::Guarded(permission, role) => {
            let scopes: Vec<_> = Scope::holding(permission).map(Scope::title).collect();
            format!(
                "keys with the scope {} ({permission}); members with the role {role} or higher",
                scopes.join(" or ")
            )
        }
    }
}

/// A prediction changes nothing but costs more than a read, so it needs a higher role.
#[test]
fn viewer_role_has_read_only_routes() {
    for Route { method, path, access } in api_routes() {
        if let RouteAccess::Guarded(_, role) = access {
            assert!(method.is_safe() || role >= Role::Member, "{method} {path}: {role:?}");
        }
    }
}

/// A route that is registered directly with axum would be missing from the lists that the other tests read.
#[test]
fn routes_are_registered_only_with_stated_access() {
    let expected_counts = [
        ("api/access.rs", 0),
        // The OpenAPI document.
        ("api/openapi.rs", 1),
        // Available only to the owner of the data folder.
        ("http/control.rs", 1),
        // The operations listener.
        ("http/operations.rs", 3),
        ("web/registry.rs", 1),
    ];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    for file in files {
        let name = file.strip_prefix(&source).unwrap().to_string_lossy().into_owned();
        let code = fs::read_to_string(&file).unwrap();
        let found = code.matches(".route(\"").count()
            + code.matches(".route(path").count()
            + code.matches(".route(SETUP").count()
            + code.matches(".route(OPENAPI").count();
        let expected = expected_counts.iter().find(|(path, _)| *path == name).map_or(0, |(_, count)| *count);
        assert_eq!(found, expected, "{name}: register routes with their access");
        let other = [".route_service(", ".nest_service("].iter().any(|way| code.contains(way));
        assert!(!other, "{name}: register routes with their access");
    }
}

/// Handlers write with the authority of their caller, and each write verifies the caller again.
#[test]
fn request_handlers_never_write_as_operator() {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src/api", "src/http", "src/web", "../core/src"] {
        rust_files(&server.join(folder), &mut files);
    }
    assert!(files.len() > 100);
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains(".as_operator()"), "{}", file.display());
    }
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

#[tokio::test]
async fn paths_without_version_or_with_slash_answer_without_redirect() {
    let fixture = AccessFixture::start().await;
    let routes = api_routes().into_iter().map(|route| (route.method, route.path));
    for (method, path) in routes.chain([(Method::GET, "/openapi.json".to_owned())]) {
        let path = path_of_missing(&fixture.ours, &path);
        let mut answers = Vec::new();
        let versions =
            ["/api/v1", ""].into_iter().flat_map(|version| ["", "/", "//"].map(|end| (version, end)));
        for (version, end) in versions {
            let path = format!("{version}{path}{end}");
            let request = fixture.server.request(method.clone(), &path).bearer_auth(fixture.key());
            let request = request.header("content-type", "application/json").body(if method == Method::GET {
                ""
            } else {
                "{}"
            });
            let answer = send(request).await;
            assert!(!answer.status.is_redirection(), "{method} {path}: {answer:?}");
            assert!(!answer.header("content-type").starts_with("text/html"), "{method} {path}: {answer:?}");
            let allowed = answer.header("access-control-allow-origin").to_owned();
            answers.push((answer.status, answer.header("content-type").to_owned(), allowed));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {path}: {answers:?}");
    }
}

/// Recorded facts about a request don't depend on the form of its path.
#[tokio::test]
async fn denial_is_recorded_under_route_for_each_path_form() {
    let fixture = AccessFixture::start().await;
    let inference = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    let id = fixture.ours.project;
    let mut routes = Vec::new();
    for path in [format!("/api/v1/projects/{id}"), format!("/projects/{id}"), format!("/projects/{id}/")] {
        let denied = fixture.server.get(&path, inference).await.problem(403, "insufficient_scope");
        let request = denied["request_id"].as_str().unwrap().to_owned();
        let why = fixture.server.get(&format!("/requests/{request}"), fixture.key()).await;
        assert_eq!(why.status, 200, "{path}: {why:?}");
        routes.push(why.json()["route"].clone());
    }
    assert_eq!(routes, ["/api/v1/projects/{id}"; 3]);
    let metrics = fixture.server.ops("/metrics").await.text;
    let counted =
        "keyrack_http_requests_total{method=\"GET\",route=\"/api/v1/projects/{id}\",status=\"403\"} 3";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn unknown_path_returns_problem_to_programs_page_to_browsers() {
    let fixture = AccessFixture::start().await;
    let get = |path: &str| fixture.server.request(Method::GET, path);
    let html = "text/html,application/xhtml+xml,*/*;q=0.8";
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nowhere",
        "/api/v2/projects",
        "/api/projects",
        "/predict",
        "/predict/nothing",
        "/projects/x/y/z",
        "/keys/x/y/z",
        "/forward-auth-nothing",
    ] {
        send(get(path).bearer_auth(fixture.key())).await.problem(404, "not_found");
        send(get(path).header("accept", html).bearer_auth(fixture.key())).await.problem(404, "not_found");
        send(get(path)).await.problem(404, "not_found");
        send(fixture.server.request(Method::POST, path).json(&serde_json::json!({})))
            .await
            .problem(404, "not_found");
    }
    for path in ["/predictions/x", "/v1/projects", "/datasets", "/%00"] {
        send(get(path)).await.problem(404, "not_found");
        send(get(path).header("accept", "application/json")).await.problem(404, "not_found");
        send(get(path).header("accept", html).header("x-api-key", fixture.key()))
            .await
            .problem(404, "not_found");
        let page = send(get(path).header("accept", html)).await;
        assert_eq!(page.status, 404, "{path}: {page:?}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}: {page:?}");
        let strange = send(get(path).header("accept", html).header("host", "evil.example")).await;
        assert_eq!(strange.status, 421, "{path}: {strange:?}");
    }
    let page = send(get("/w/ours/nowhere").header("accept", "*/*")).await;
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
}

/// The paths of both exist without a version. The page of a key distinguishes browsers from programs (`edge/api_path.rs`).
#[test]
fn only_key_page_shares_its_path_with_api() {
    let first = |path: &str| path.split('/').nth(1).unwrap_or_default().to_owned();
    let api: BTreeSet<_> = api_routes().iter().map(|route| first(&route.path)).collect();
    let pages = keyrack::web::routes();
    let shared = pages.iter().filter(|page| api.contains(&first(&page.path)));
    assert_eq!(shared.map(|page| page.path.as_str()).collect::<Vec<_>>(), ["/keys/{id}"]);
}
