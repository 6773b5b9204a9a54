//! The list of routes: the same in the router, in the OpenAPI document and on the wire.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keyrack::api::{Access, Stated};
use keyrack_key::Scope;
use keyrack_store::Role;
use reqwest::Method;

use super::{api_routes, path_to_nothing};
use crate::cast::Cast;
use crate::harness::{Server, send};

#[tokio::test]
async fn the_openapi_document_of_a_running_server_lists_the_routes_and_who_may_call_them() {
    let server = Server::start().await;
    let answer = send(server.request(Method::GET, "/api/v1/openapi.json")).await;
    assert_eq!(answer.status, 200);
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["servers"][0]["url"], "/api/v1");
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let who = operation["x-who-may-call"]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path}: who may call it?"));
            let is_guarded = who.starts_with("keys with");
            assert_eq!(operation["security"].is_array(), is_guarded, "{method} {path}");
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
async fn the_openapi_document_is_there_for_anybody() {
    let cast = Cast::assemble().await;
    let ask = || cast.server.request(Method::GET, "/api/v1/openapi.json");
    let anonymous = send(ask()).await;
    assert_eq!((anonymous.status.as_u16(), anonymous.header("content-type")), (200, "application/json"));
    for asks in [
        ask().bearer_auth(cast.key()),
        ask().bearer_auth("nonsense"),
        ask().header("cookie", &cast.stranger.cookie),
    ] {
        assert_eq!(send(asks).await.text, anonymous.text);
    }
}

fn who(access: Access) -> String {
    match access {
        Access::Open => "anybody".to_owned(),
        Access::Signed => "anybody who holds the signed URL".to_owned(),
        Access::AsksAboutKey => "anybody who holds the key in question".to_owned(),
        Access::Guarded(permission, role) => {
            let scopes: Vec<_> = Scope::holding(permission).map(Scope::title).collect();
            format!(
                "keys with the scope {} ({permission}); members from the role {role}",
                scopes.join(" or ")
            )
        }
    }
}

/// Asking a model changes nothing, and yet takes more of the server than looking does.
#[test]
fn whoever_only_looks_asks_no_model_and_changes_nothing() {
    for Stated { method, path, access } in api_routes() {
        if let Access::Guarded(_, role) = access {
            assert!(method.is_safe() || role >= Role::Member, "{method} {path}: {role:?}");
        }
    }
}

/// A route that goes to axum directly would be on none of the lists that the other tests read.
#[test]
fn routes_are_registered_where_they_state_who_may_call_and_nowhere_else() {
    let rooms = [
        ("api/access.rs", 0),
        // The OpenAPI document itself.
        ("api/openapi.rs", 1),
        // Open only to whoever owns the data folder.
        ("control.rs", 1),
        // The second listener.
        ("operations.rs", 3),
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
            + code.matches(".route(SETUP").count();
        let expected = rooms.iter().find(|(room, _)| *room == name).map_or(0, |(_, count)| *count);
        assert_eq!(found, expected, "{name}: register routes with who may call them");
        let other = [".route_service(", ".nest_service("].iter().any(|way| code.contains(way));
        assert!(!other, "{name}: register routes with who may call them");
    }
}

/// Handlers and operations write on the authority of their caller, which each write verifies again.
#[test]
fn no_request_writes_as_the_operator() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for folder in ["api", "ops", "web"] {
        rust_files(&source.join(folder), &mut files);
    }
    assert!(files.len() > 100);
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        assert!(!fs::read_to_string(file).unwrap().contains(".as_operator()"), "{}", file.display());
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
async fn paths_answer_with_and_without_the_last_slash_and_never_by_a_redirect() {
    let cast = Cast::assemble().await;
    let routes = api_routes().into_iter().map(|route| (route.method, route.path));
    for (method, path) in routes.chain([(Method::GET, "/openapi.json".to_owned())]) {
        let path = format!("/api/v1{}", path_to_nothing(&cast.ours, &path));
        let mut answers = Vec::new();
        for slashes in ["", "/", "//"] {
            let request =
                cast.server.request(method.clone(), &format!("{path}{slashes}")).bearer_auth(cast.key());
            let request = request.header("content-type", "application/json").body(if method == Method::GET {
                ""
            } else {
                "{}"
            });
            let answer = send(request).await;
            assert!(!answer.status.is_redirection(), "{method} {path}{slashes}: {answer:?}");
            answers.push((answer.status, answer.header("content-type").to_owned()));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
        assert_eq!(answers[0], answers[2], "{method} {path}");
    }
}
