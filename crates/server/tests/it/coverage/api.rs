//! The denial that each unauthorized caller of a guarded API route receives.

use keyrack::api::{Route, RouteAccess};
use keyrack_key::{Permission, Scope};
use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use super::{api_routes, path_in, path_of_missing};
use crate::fixtures::{AccessFixture, TestKey, mistyped_secret, unknown_secret};
use crate::harness::{Answer, send};

const WORKSPACE: &str = "x-keyrack-workspace";
const REALM: &str = "Bearer realm=\"keyrack\"";

#[tokio::test]
async fn unauthorized_caller_of_each_route_is_denied_without_change() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    for route in api_routes() {
        // The output is shown if a probe of this route fails.
        println!("{} {}", route.method, route.path);
        match route.access {
            RouteAccess::Guarded(permission, role) => {
                let probe = ApiProbe { fixture: &fixture, route: &route };
                probe.credentials().await;
                probe.several_credentials().await;
                probe.scopes(permission).await;
                probe.roles(role).await;
                probe.other_workspace().await;
                probe.another_site().await;
            }
            RouteAccess::Signed => assert_signature_required(&fixture, &route).await,
            RouteAccess::Open => assert_same_for_everyone(&fixture, &route).await,
            // The module `verification` tests these.
            RouteAccess::VerifiesKey => {}
        }
    }
    assert_eq!(fixture.stored_data().await, before);
}

struct ApiProbe<'a> {
    fixture: &'a AccessFixture,
    route: &'a Route,
}

impl ApiProbe<'_> {
    /// A request that would change existing data if the caller were allowed.
    fn request(&self) -> RequestBuilder {
        self.to(&path_in(&self.fixture.ours, &self.route.path))
    }

    fn with_query(&self, key: &str) -> RequestBuilder {
        self.to(&format!("{}?api-key={key}", path_in(&self.fixture.ours, &self.route.path)))
    }

    fn to(&self, path: &str) -> RequestBuilder {
        let request = self.fixture.server.request(self.route.method.clone(), &format!("/api/v1{path}"));
        match self.route.method {
            Method::POST | Method::PATCH | Method::PUT => {
                request.header("content-type", "application/json").body("{}")
            }
            _ => request,
        }
    }

    /// A request from our own page in a browser.
    fn browser(&self, cookie: &str) -> RequestBuilder {
        self.request()
            .header("cookie", cookie)
            .header("sec-fetch-site", "same-origin")
            .header(WORKSPACE, self.fixture.ours.slug)
    }

    async fn credentials(&self) {
        let anonymous = send(self.request()).await;
        anonymous.problem(401, "missing_key");
        // Without a key, the challenge has no error (RFC 6750, section 3.1).
        assert_eq!(anonymous.header("www-authenticate"), REALM);
        for (secret, code) in [
            ("", "malformed_key"),
            ("kr_sk_short", "malformed_key"),
            (&mistyped_secret(), "malformed_key"),
            (&unknown_secret(), "unknown_key"),
            (&self.fixture.expired, "expired_key"),
            (&self.fixture.deleted, "deleted_key"),
            (&self.fixture.retired, "retired_secret"),
        ] {
            for (name, value) in
                [("authorization", format!("Bearer {secret}")), ("X-API-KEY", secret.to_owned())]
            {
                let answer = send(self.request().header(name, value)).await;
                answer.problem(401, code);
                assert_eq!(answer.header("www-authenticate"), format!("{REALM}, error=\"invalid_token\""));
            }
        }
    }

    async fn several_credentials(&self) {
        let key = self.fixture.key();
        let cookie = &self.fixture.member(Role::Owner).cookie;
        send(self.browser(cookie).bearer_auth(key)).await.problem(400, "key_and_cookie");
        for other in [&unknown_secret(), &self.fixture.their_key] {
            let both = send(self.request().bearer_auth(key).header("x-api-key", other)).await;
            both.problem(400, "ambiguous_key");
            assert_eq!(both.header("www-authenticate"), format!("{REALM}, error=\"invalid_request\""));
            send(self.with_query(other).bearer_auth(key)).await.problem(400, "ambiguous_key");
        }
        let twice = self.with_query(key).bearer_auth(key).header("x-api-key", key);
        let answer = send(twice).await;
        let body = answer.problem(400, "key_in_query");
        assert!(body["message"].as_str().unwrap().contains("URL"), "{body}");
    }

    async fn scopes(&self, permission: Permission) {
        let (sufficient, too_small): (Vec<_>, Vec<_>) =
            self.fixture.keys.iter().partition(|key| key.scopes.permissions().contains(permission));
        assert!(!sufficient.is_empty() && !too_small.is_empty());
        for key in too_small {
            self.assert_insufficient_scope(
                &send(self.request().bearer_auth(&key.secret)).await,
                key,
                permission,
            );
            let in_query = send(self.with_query(&key.secret)).await;
            self.assert_insufficient_scope(&in_query, key, permission);
        }
        for key in sufficient {
            let path = path_of_missing(&self.fixture.ours, &self.route.path);
            self.assert_allowed(&send(self.to(&path).bearer_auth(&key.secret)).await);
        }
    }

    /// The denial must name the missing permission, the scopes that grant it, and the page to change them.
    fn assert_insufficient_scope(&self, answer: &Answer, key: &TestKey, permission: Permission) {
        let body = answer.problem(403, "insufficient_scope");
        let scopes: Vec<_> = Scope::holding(permission).map(Scope::name).collect();
        assert_eq!(body["permission"], permission.name());
        assert_eq!(body["scopes"], serde_json::json!(scopes));
        assert_eq!(body["key"], key.id.to_string());
        assert_eq!(body["manage_url"], format!("{}/keys/{}", self.fixture.server.url, key.id));
        assert!(body["message"].as_str().unwrap().contains(permission.name()), "{body}");
        let challenge = format!("{REALM}, error=\"insufficient_scope\", scope=\"{}\"", scopes.join(" "));
        assert_eq!(answer.header("www-authenticate"), challenge);
    }

    async fn roles(&self, needs: Role) {
        for (role, browser) in &self.fixture.members {
            if *role < needs {
                let body = send(self.browser(&browser.cookie)).await.problem(403, "insufficient_role");
                let message = body["message"].as_str().unwrap();
                assert!(message.contains(role.name()) && message.contains(needs.name()), "{body}");
            } else {
                let path = path_of_missing(&self.fixture.ours, &self.route.path);
                let request = self
                    .to(&path)
                    .header("cookie", &browser.cookie)
                    .header(WORKSPACE, self.fixture.ours.slug);
                self.assert_allowed(&send(request.header("sec-fetch-site", "same-origin")).await);
            }
        }
        let unknown = format!("keyrack_session={}", "0".repeat(64));
        send(self.browser(&unknown)).await.problem(401, "missing_key");
    }

    async fn other_workspace(&self) {
        send(self.browser(&self.fixture.stranger.cookie)).await.problem(404, "not_found");
        let stranger = self.request().bearer_auth(&self.fixture.their_key);
        let answer = send(stranger).await;
        if self.route.path.contains('{') && !self.route.path.contains("rotate") {
            answer.problem(404, "not_found");
        } else {
            // The key is allowed in its own workspace and doesn't see data of ours.
            self.assert_allowed(&answer);
            assert!(!answer.text.contains(&self.fixture.ours.id.to_string()), "{answer:?}");
            assert!(!answer.text.contains(&self.fixture.ours.key.to_string()), "{answer:?}");
        }
        let owner = self.request().header("cookie", &self.fixture.member(Role::Owner).cookie);
        let owner = || owner.try_clone().unwrap().header("sec-fetch-site", "same-origin");
        send(owner()).await.problem(400, "missing_workspace");
        send(owner().header(WORKSPACE, self.fixture.theirs.slug)).await.problem(404, "not_found");
        send(owner().header(WORKSPACE, "nowhere")).await.problem(404, "not_found");
        send(owner().header(WORKSPACE, "ours").header(WORKSPACE, "theirs"))
            .await
            .problem(400, "missing_workspace");
    }

    async fn another_site(&self) {
        let cookie = &self.fixture.member(Role::Owner).cookie;
        let request = || self.request().header("cookie", cookie).header(WORKSPACE, self.fixture.ours.slug);
        send(request().header("host", "evil.example")).await.problem(421, "foreign_host");
        if !self.route.method.is_safe() {
            send(request()).await.problem(403, "foreign_origin");
            send(request().header("sec-fetch-site", "cross-site")).await.problem(403, "foreign_origin");
            send(request().header("sec-fetch-site", "same-site")).await.problem(403, "foreign_origin");
            send(request().header("origin", "https://evil.example")).await.problem(403, "foreign_origin");
            send(request().header("origin", "null")).await.problem(403, "foreign_origin");
        }
    }

    /// The guard allowed the request; the handler may still return 404 or 422.
    fn assert_allowed(&self, answer: &Answer) {
        let (method, path) = (&self.route.method, &self.route.path);
        assert!(matches!(answer.status.as_u16(), 200 | 404 | 422), "{method} {path}: {answer:?}");
    }
}

async fn assert_same_for_everyone(fixture: &AccessFixture, route: &Route) {
    let request = || {
        fixture
            .server
            .request(route.method.clone(), &format!("/api/v1{}", path_in(&fixture.ours, &route.path)))
    };
    let anonymous = send(request()).await;
    assert_eq!(anonymous.status, 200, "{anonymous:?}");
    for requests in [
        request().bearer_auth(unknown_secret()),
        request().bearer_auth(fixture.key()),
        request().bearer_auth(&fixture.deleted),
        request().header("cookie", &fixture.stranger.cookie),
    ] {
        assert_eq!(send(requests).await.text, anonymous.text);
    }
}

async fn assert_signature_required(fixture: &AccessFixture, route: &Route) {
    let path = format!("/api/v1{}", path_in(&fixture.ours, &route.path));
    let request = |query: &str| fixture.server.request(route.method.clone(), &format!("{path}{query}"));
    let cookie = &fixture.member(Role::Owner).cookie;
    for query in ["", "?signature=", "?signature=0", &format!("?signature={}", "0".repeat(64))] {
        for requests in [
            request(query),
            request(query).bearer_auth(fixture.key()),
            request(query).bearer_auth(unknown_secret()),
            request(query).header("cookie", cookie).header("sec-fetch-site", "same-origin"),
        ] {
            send(requests.body("x")).await.problem(403, "wrong_signature");
        }
    }
}

#[tokio::test]
async fn manage_url_of_denial_redirects_to_key_page() {
    let fixture = AccessFixture::start().await;
    let key = fixture.key_with_scopes(&[Scope::Inference]);
    let body = fixture.server.get("/api/v1/projects", &key.secret).await.problem(403, "insufficient_scope");
    let path = body["manage_url"].as_str().unwrap().strip_prefix(&fixture.server.url).unwrap().to_owned();
    let link = |request: RequestBuilder| request.header("accept", "text/html");
    let redirect =
        send(link(fixture.member(Role::Viewer).request(&fixture.server, Method::GET, &path))).await;
    assert_eq!(redirect.status, 303, "{redirect:?}");
    assert_eq!(redirect.header("location"), format!("/w/ours/settings/api-keys/{}", key.id));
    let stranger = send(link(fixture.stranger.request(&fixture.server, Method::GET, &path))).await;
    assert_eq!(stranger.status, 404, "{stranger:?}");
}
