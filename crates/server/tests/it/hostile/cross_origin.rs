//! Forms that other sites submit with the cookies of a signed-in user.

use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use crate::fixtures::AccessFixture;
use crate::harness::{EMAIL, PASSWORD, Server, send};

/// The headers that old and new browsers send with a form of another site.
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

/// The paths of all forms.
fn posts(fixture: &AccessFixture) -> Vec<String> {
    let posts = keyrack::web::routes().into_iter().filter(|route| route.method == Method::POST);
    let filled = posts.map(|route| {
        let id = if route.path.contains("/projects/") {
            fixture.ours.project.to_string()
        } else {
            fixture.ours.key.to_string()
        };
        route.path.replace("{workspace}", "ours").replace("{id}", &id)
    });
    filled.collect()
}

fn form(fixture: &AccessFixture, path: &str) -> RequestBuilder {
    let owner = fixture.member(Role::Owner);
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
    let request = fixture.server.request(Method::POST, path).header("cookie", &owner.cookie);
    request.header("content-type", "application/x-www-form-urlencoded").body(fields)
}

#[tokio::test]
async fn cross_origin_forms_are_denied_without_change() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let paths = posts(&fixture);
    assert!(paths.len() > 10);
    for path in &paths {
        for headers in FOREIGN {
            let request = headers
                .iter()
                .fold(form(&fixture, path), |request, (name, value)| request.header(*name, *value));
            let answer = send(request).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}: {answer:?}");
            assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
            assert_eq!(answer.header("set-cookie"), "", "{path}");
        }
        let mut kinds = vec!["text/plain", "multipart/form-data; boundary=x", "application/json", ""];
        kinds.retain(|kind| *kind != path);
        for kind in kinds {
            let request = fixture.server.request(Method::POST, path).header("content-type", kind);
            let answer =
                send(request.header("cookie", &fixture.member(Role::Owner).cookie).body("name=x")).await;
            assert_eq!(answer.status, 403, "{path} {kind}: {answer:?}");
        }
    }
    assert_eq!(fixture.stored_data().await, before);
}

/// A page of another site can resolve its own host name to this server (DNS rebinding) and is then same-origin.
#[tokio::test]
async fn foreign_host_name_is_rejected_on_each_page() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let pages = keyrack::web::routes()
        .into_iter()
        .filter(|route| route.method == Method::GET)
        .map(|route| route.path);
    for host in ["evil.example", "evil.example:8080", "keyrack.test", "127.0.0.1.nip.io"] {
        for path in posts(&fixture) {
            let request =
                form(&fixture, &path).header("host", host).header("origin", format!("http://{host}"));
            assert_eq!(send(request.header("sec-fetch-site", "same-origin")).await.status, 421, "{path}");
        }
        for path in pages.clone() {
            let path = path.replace("{workspace}", "ours").replace("{id}", "x").replace("{file}", "x");
            let request = fixture.member(Role::Owner).request(&fixture.server, Method::GET, &path);
            assert_eq!(send(request.header("host", host)).await.status, 421, "{path}");
        }
    }
    assert_eq!(fixture.stored_data().await, before);
}

#[tokio::test]
async fn cross_origin_setup_is_denied() {
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
    // The same form from our own page succeeds, once.
    let ours = || form().header("origin", &server.url);
    let done = send(ours()).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/w/taken/settings/api-keys"));
    assert_eq!(send(ours()).await.status, 409);
}
