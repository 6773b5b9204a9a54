//! Requests to every page and form by users that are not allowed.

use keyrack::web::{PageAccess, PageRoute};
use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use super::{path_in, path_of_missing};
use crate::fixtures::{AccessFixture, unknown_secret};
use crate::harness::{Answer, send};

#[tokio::test]
async fn unauthorized_visitor_of_each_page_is_denied_without_change() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    for route in keyrack::web::routes() {
        // The output is shown if a probe of this page fails.
        println!("{} {}", route.method, route.path);
        let probe = PageProbe { fixture: &fixture, route: &route };
        match route.access {
            PageAccess::Anyone => probe.assert_reveals_nothing().await,
            PageAccess::SignedIn => probe.assert_requires_sign_in().await,
            PageAccess::Member(role) => {
                probe.assert_requires_sign_in().await;
                probe.assert_requires_role(role).await;
            }
        }
    }
    assert_eq!(fixture.stored_data().await, before);
}

struct PageProbe<'a> {
    fixture: &'a AccessFixture,
    route: &'a PageRoute,
}

impl PageProbe<'_> {
    /// A request for our own data, as a browser on our own page sends it.
    fn request(&self) -> RequestBuilder {
        self.to(&path_in(&self.fixture.ours, &self.route.path))
    }

    fn to(&self, path: &str) -> RequestBuilder {
        let request = self.fixture.server.request(self.route.method.clone(), path);
        let request = request.header("sec-fetch-site", "same-origin").header("accept", "text/html,*/*;q=0.8");
        if self.route.method == Method::POST {
            request.header("content-type", "application/x-www-form-urlencoded").body("")
        } else {
            request
        }
    }

    async fn assert_requires_sign_in(&self) {
        let path = path_in(&self.fixture.ours, &self.route.path);
        for cookie in [
            String::new(),
            "keyrack_session=".into(),
            format!("keyrack_session={}", "0".repeat(64)),
            "keyrack_session=%00".into(),
        ] {
            let answer = send(self.request().header("cookie", cookie)).await;
            assert_eq!(answer.status, 303, "{path}: {answer:?}");
            let next = if self.route.method == Method::GET { path.replace('/', "%2F") } else { "%2F".into() };
            assert_eq!(answer.header("location"), format!("/sign-in?next={next}"), "{answer:?}");
        }
        // With a key, this path belongs to the API.
        if self.route.path == "/keys/{id}" {
            return;
        }
        let cookie = &self.fixture.member(Role::Owner).cookie;
        // A proxy that signs users in can add its own `Authorization` header, which isn't a key.
        let other = send(self.request().bearer_auth("nonsense")).await;
        assert_eq!(other.status, 303, "{path}: {other:?}");
        for key in [self.fixture.key(), &self.fixture.deleted, &unknown_secret()] {
            self.assert_error_page(&send(self.request().bearer_auth(key)).await, 403);
            self.assert_error_page(&send(self.request().header("x-api-key", key)).await, 403);
            self.assert_error_page(&send(self.to(&format!("{path}?api-key={key}"))).await, 403);
            self.assert_error_page(
                &send(self.request().bearer_auth(key).header("cookie", cookie)).await,
                400,
            );
        }
        let two = self.request().bearer_auth(self.fixture.key()).header("x-api-key", unknown_secret());
        self.assert_error_page(&send(two).await, 400);
    }

    async fn assert_requires_role(&self, needs: Role) {
        for (role, browser) in &self.fixture.members {
            if *role < needs {
                let answer = send(self.request().header("cookie", &browser.cookie)).await;
                self.assert_error_page(&answer, 403);
                assert!(
                    answer.text.contains(role.name()) && answer.text.contains(needs.name()),
                    "{answer:?}"
                );
            } else if self.route.method == Method::GET {
                let path = path_of_missing(&self.fixture.ours, &self.route.path);
                let answer = send(self.to(&path).header("cookie", &browser.cookie)).await;
                let is_there = !self.route.path.contains("{id}");
                let expected: &[u16] = if is_there { &[200, 303] } else { &[404] };
                assert!(expected.contains(&answer.status.as_u16()), "{path}: {answer:?}");
            }
        }
        let stranger = send(self.request().header("cookie", &self.fixture.stranger.cookie)).await;
        self.assert_error_page(&stranger, 404);
        // The path has their workspace and the ID of our key or project.
        if self.route.path.contains("{id}") {
            let path = path_in(&self.fixture.ours, &self.route.path).replace("/w/ours/", "/w/theirs/");
            let answer = send(self.to(&path).header("cookie", &self.fixture.stranger.cookie)).await;
            self.assert_error_page(&answer, 404);
        }
    }

    async fn assert_reveals_nothing(&self) {
        for request in [
            self.request(),
            self.request().bearer_auth(self.fixture.key()),
            self.request().header("x-api-key", unknown_secret()),
        ] {
            let answer = send(request).await;
            let status = answer.status.as_u16();
            assert!(matches!(status, 200 | 303 | 400..=499), "{answer:?}");
            assert!(!answer.text.contains("Bottle caps of a test"), "{answer:?}");
            assert!(!answer.text.contains(&self.fixture.ours.key.to_string()), "{answer:?}");
        }
    }

    /// Panics if the response isn't an HTML error page with the request ID.
    fn assert_error_page(&self, answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{} {}: {answer:?}", self.route.method, self.route.path);
        assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        let id = answer.header("x-request-id");
        assert!(id.starts_with("req_") && answer.text.contains(id), "{answer:?}");
        assert!(!answer.text.contains("Bottle caps of a test"), "{answer:?}");
        assert!(!answer.text.contains("of a test"), "{answer:?}");
    }
}
