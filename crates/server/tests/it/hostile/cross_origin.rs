//! Other sites that send our forms with the cookies of somebody who is signed in here.

use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use crate::cast::Cast;
use crate::harness::{EMAIL, PASSWORD, Server, send};

/// What a form of another site is sent with, by browsers of all ages.
const FOREIGN: [&[(&str, &str)]; 13] = [
    &[],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "something-new")],
    &[("sec-fetch-site", "SAME-ORIGIN")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "http://127.0.0.1")],
    &[("origin", "http://127.0.0.1:1")],
    &[("origin", "http://localhost")],
    &[("referer", "https://evil.example/")],
];

/// The forms and buttons of all pages, with fields that would be accepted.
fn posts(cast: &Cast) -> Vec<String> {
    let posts = keyrack::web::routes().into_iter().filter(|route| route.method == Method::POST);
    let filled = posts.map(|route| {
        let id = if route.path.contains("/projects/") {
            cast.ours.project.to_string()
        } else {
            cast.ours.key.to_string()
        };
        route.path.replace("{workspace}", "ours").replace("{id}", &id)
    });
    filled.collect()
}

fn form(cast: &Cast, path: &str) -> RequestBuilder {
    let owner = cast.member(Role::Owner);
    let nonce = format!("form_{}", "0".repeat(32));
    let fields = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("name", "Taken over"),
            ("scope", "project"),
            ("type", "classification"),
            ("overlap", "0s"),
            ("expiry", "never"),
        ])
        .extend_pairs([("nonce", nonce.as_str()), ("email", "owner@example.org"), ("password", PASSWORD)])
        .finish();
    let request = cast.server.request(Method::POST, path).header("cookie", &owner.cookie);
    request.header("content-type", "application/x-www-form-urlencoded").body(fields)
}

#[tokio::test]
async fn forms_of_other_sites_are_refused_and_change_nothing() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    let paths = posts(&cast);
    assert!(paths.len() > 10);
    for path in &paths {
        for headers in FOREIGN {
            let request = headers
                .iter()
                .fold(form(&cast, path), |request, (name, value)| request.header(*name, *value));
            let answer = send(request).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}: {answer:?}");
            assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
            assert_eq!(answer.header("set-cookie"), "", "{path}");
        }
        let mut kinds = vec!["text/plain", "multipart/form-data; boundary=x", "application/json", ""];
        kinds.retain(|kind| *kind != path);
        for kind in kinds {
            let request = cast.server.request(Method::POST, path).header("content-type", kind);
            let answer =
                send(request.header("cookie", &cast.member(Role::Owner).cookie).body("name=x")).await;
            assert_eq!(answer.status, 403, "{path} {kind}: {answer:?}");
        }
    }
    assert_eq!(cast.written().await, before);
}

/// A page of another site can turn its own name to this address, and is the same origin then.
#[tokio::test]
async fn a_name_that_is_not_ours_is_answered_by_nothing() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    let pages = keyrack::web::routes()
        .into_iter()
        .filter(|route| route.method == Method::GET)
        .map(|route| route.path);
    for host in ["evil.example", "evil.example:8080", "keyrack.test", "127.0.0.1.nip.io"] {
        for path in posts(&cast) {
            let request = form(&cast, &path).header("host", host).header("origin", format!("http://{host}"));
            assert_eq!(send(request.header("sec-fetch-site", "same-origin")).await.status, 421, "{path}");
        }
        for path in pages.clone() {
            let path = path.replace("{workspace}", "ours").replace("{id}", "x").replace("{file}", "x");
            let request = cast.member(Role::Owner).request(&cast.server, Method::GET, &path);
            assert_eq!(send(request.header("host", host)).await.status, 421, "{path}");
        }
    }
    assert_eq!(cast.written().await, before);
}

#[tokio::test]
async fn nobody_sets_up_a_server_through_somebody_elses_page() {
    let server = Server::start().await;
    let link = server.setup_link.clone().unwrap();
    let token = link.split_once("token=").unwrap().1;
    let fields = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("token", token),
            ("name", "Eve"),
            ("email", EMAIL),
            ("password", PASSWORD),
            ("workspace", "Taken"),
        ])
        .finish();
    let form = || {
        let request = server.request(Method::POST, "/setup").body(fields.clone());
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    for headers in FOREIGN {
        let request = headers.iter().fold(form(), |request, (name, value)| request.header(*name, *value));
        assert_eq!(send(request).await.status, 403, "{headers:?}");
    }
    // It was all there: from our own page it does it, once.
    let ours = || form().header("origin", &server.url);
    let done = send(ours()).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/w/taken/settings/api-keys"));
    assert_eq!(send(ours()).await.status, 409);
}
