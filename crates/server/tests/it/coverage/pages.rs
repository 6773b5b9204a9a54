//! Who may not open a page or press a button on it.

use keyrack::web::{PageAccess, PageRoute};
use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use super::{path_in, path_to_nothing};
use crate::cast::{Cast, unknown};
use crate::harness::{Answer, send};

#[tokio::test]
async fn whoever_may_not_open_a_page_does_not_and_changes_nothing() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    for route in keyrack::web::routes() {
        // Shown when a probe of it fails.
        println!("{} {}", route.method, route.path);
        let probe = Probe { cast: &cast, route: &route };
        match route.access {
            PageAccess::Anyone => probe.tells_a_stranger_nothing().await,
            PageAccess::SignedIn => probe.wants_a_person().await,
            PageAccess::Member(role) => {
                probe.wants_a_person().await;
                probe.wants_a_member(role).await;
            }
        }
    }
    assert_eq!(cast.written().await, before);
}

struct Probe<'a> {
    cast: &'a Cast,
    route: &'a PageRoute,
}

impl Probe<'_> {
    /// As a browser on our own pages sends it, for something of ours.
    fn request(&self) -> RequestBuilder {
        self.to(&path_in(&self.cast.ours, &self.route.path))
    }

    fn to(&self, path: &str) -> RequestBuilder {
        let request = self.cast.server.request(self.route.method.clone(), path);
        let request = request.header("sec-fetch-site", "same-origin").header("accept", "text/html,*/*;q=0.8");
        if self.route.method == Method::POST {
            request.header("content-type", "application/x-www-form-urlencoded").body("")
        } else {
            request
        }
    }

    async fn wants_a_person(&self) {
        let path = path_in(&self.cast.ours, &self.route.path);
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
        // With a key, the path of this page is the API's.
        if self.route.path == "/keys/{id}" {
            return;
        }
        let cookie = &self.cast.member(Role::Owner).cookie;
        // A proxy that signs people in adds an `Authorization` of its own, which is no key.
        let other = send(self.request().bearer_auth("nonsense")).await;
        assert_eq!(other.status, 303, "{path}: {other:?}");
        for key in [self.cast.key(), &self.cast.deleted, &unknown()] {
            self.page(&send(self.request().bearer_auth(key)).await, 403);
            self.page(&send(self.request().header("x-api-key", key)).await, 403);
            self.page(&send(self.to(&format!("{path}?api-key={key}"))).await, 403);
            self.page(&send(self.request().bearer_auth(key).header("cookie", cookie)).await, 400);
        }
        let two = self.request().bearer_auth(self.cast.key()).header("x-api-key", unknown());
        self.page(&send(two).await, 400);
    }

    async fn wants_a_member(&self, needs: Role) {
        for (role, browser) in &self.cast.members {
            if *role < needs {
                let answer = send(self.request().header("cookie", &browser.cookie)).await;
                self.page(&answer, 403);
                assert!(
                    answer.text.contains(role.name()) && answer.text.contains(needs.name()),
                    "{answer:?}"
                );
            } else if self.route.method == Method::GET {
                let path = path_to_nothing(&self.cast.ours, &self.route.path);
                let answer = send(self.to(&path).header("cookie", &browser.cookie)).await;
                let is_there = !self.route.path.contains("{id}");
                let expected: &[u16] = if is_there { &[200, 303] } else { &[404] };
                assert!(expected.contains(&answer.status.as_u16()), "{path}: {answer:?}");
            }
        }
        let stranger = send(self.request().header("cookie", &self.cast.stranger.cookie)).await;
        self.page(&stranger, 404);
        // Their workspace in the path, our key or project as the id.
        if self.route.path.contains("{id}") {
            let path = path_in(&self.cast.ours, &self.route.path).replace("/w/ours/", "/w/theirs/");
            let answer = send(self.to(&path).header("cookie", &self.cast.stranger.cookie)).await;
            self.page(&answer, 404);
        }
    }

    async fn tells_a_stranger_nothing(&self) {
        for request in [
            self.request(),
            self.request().bearer_auth(self.cast.key()),
            self.request().header("x-api-key", unknown()),
        ] {
            let answer = send(request).await;
            let status = answer.status.as_u16();
            assert!(matches!(status, 200 | 303 | 400..=499), "{answer:?}");
            assert!(!answer.text.contains("Bottle caps of a test"), "{answer:?}");
            assert!(!answer.text.contains(&self.cast.ours.key.to_string()), "{answer:?}");
        }
    }

    /// An error page that a person can read, with the request's id on it.
    fn page(&self, answer: &Answer, status: u16) {
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
