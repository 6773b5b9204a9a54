//! Who may not call a guarded route of the API, and what each of them is told.

use keyrack::api::{Route, RouteAccess};
use keyrack_key::{Permission, Scope};
use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use super::{api_routes, path_in, path_to_nothing};
use crate::cast::{Cast, Held, mistyped, unknown};
use crate::harness::{Answer, send};

const WORKSPACE: &str = "x-keyrack-workspace";
const REALM: &str = "Bearer realm=\"keyrack\"";

#[tokio::test]
async fn whoever_may_not_call_a_route_is_told_so_and_changes_nothing() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    for route in api_routes() {
        // Shown when a probe of it fails.
        println!("{} {}", route.method, route.path);
        match route.access {
            RouteAccess::Guarded(permission, role) => {
                let probe = Probe { cast: &cast, route: &route };
                probe.credentials().await;
                probe.several_credentials().await;
                probe.scopes(permission).await;
                probe.roles(role).await;
                probe.other_workspace().await;
                probe.another_site().await;
            }
            RouteAccess::Signed => only_the_signature_counts(&cast, &route).await,
            RouteAccess::Open => anybody_gets_the_same(&cast, &route).await,
            // See `asking`.
            RouteAccess::VerifiesKey => {}
        }
    }
    assert_eq!(cast.written().await, before);
}

struct Probe<'a> {
    cast: &'a Cast,
    route: &'a Route,
}

impl Probe<'_> {
    /// The route for something of ours that is there: whoever got through would do harm.
    fn request(&self) -> RequestBuilder {
        self.to(&path_in(&self.cast.ours, &self.route.path))
    }

    fn with_query(&self, key: &str) -> RequestBuilder {
        self.to(&format!("{}?api-key={key}", path_in(&self.cast.ours, &self.route.path)))
    }

    fn to(&self, path: &str) -> RequestBuilder {
        let request = self.cast.server.request(self.route.method.clone(), &format!("/api/v1{path}"));
        match self.route.method {
            Method::POST | Method::PATCH | Method::PUT => {
                request.header("content-type", "application/json").body("{}")
            }
            _ => request,
        }
    }

    /// A request of a browser on our own page.
    fn browser(&self, cookie: &str) -> RequestBuilder {
        self.request()
            .header("cookie", cookie)
            .header("sec-fetch-site", "same-origin")
            .header(WORKSPACE, self.cast.ours.slug)
    }

    async fn credentials(&self) {
        let anonymous = send(self.request()).await;
        anonymous.problem(401, "missing_key");
        // Without a key there is no error to name (RFC 6750, section 3.1).
        assert_eq!(anonymous.header("www-authenticate"), REALM);
        for (secret, code) in [
            ("", "malformed_key"),
            ("kr_sk_short", "malformed_key"),
            (&mistyped(), "malformed_key"),
            (&unknown(), "unknown_key"),
            (&self.cast.expired, "expired_key"),
            (&self.cast.deleted, "deleted_key"),
            (&self.cast.retired, "retired_secret"),
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
        let key = self.cast.key();
        let cookie = &self.cast.member(Role::Owner).cookie;
        send(self.browser(cookie).bearer_auth(key)).await.problem(400, "key_and_cookie");
        for other in [&unknown(), &self.cast.their_key] {
            let both = send(self.request().bearer_auth(key).header("x-api-key", other)).await;
            both.problem(400, "ambiguous_key");
            assert_eq!(both.header("www-authenticate"), format!("{REALM}, error=\"invalid_request\""));
            send(self.with_query(other).bearer_auth(key)).await.problem(400, "ambiguous_key");
        }
        let twice = self.with_query(key).bearer_auth(key).header("x-api-key", key);
        let answer = send(twice).await;
        let says = answer.problem(400, "key_in_query");
        assert!(says["message"].as_str().unwrap().contains("URL"), "{says}");
    }

    async fn scopes(&self, permission: Permission) {
        let (enough, too_small): (Vec<_>, Vec<_>) =
            self.cast.keys.iter().partition(|key| key.scopes.permissions().contains(permission));
        assert!(!enough.is_empty() && !too_small.is_empty());
        for key in too_small {
            self.lacks(&send(self.request().bearer_auth(&key.secret)).await, key, permission);
            let in_query = send(self.with_query(&key.secret)).await;
            self.lacks(&in_query, key, permission);
        }
        for key in enough {
            let path = path_to_nothing(&self.cast.ours, &self.route.path);
            self.was_let_in(&send(self.to(&path).bearer_auth(&key.secret)).await);
        }
    }

    /// The answer names what is missing, where it comes from, and where that is changed.
    fn lacks(&self, answer: &Answer, key: &Held, permission: Permission) {
        let says = answer.problem(403, "insufficient_scope");
        let scopes: Vec<_> = Scope::holding(permission).map(Scope::name).collect();
        assert_eq!(says["permission"], permission.name());
        assert_eq!(says["scopes"], serde_json::json!(scopes));
        assert_eq!(says["key"], key.id.to_string());
        assert_eq!(says["manage_url"], format!("{}/keys/{}", self.cast.server.url, key.id));
        assert!(says["message"].as_str().unwrap().contains(permission.name()), "{says}");
        let challenge = format!("{REALM}, error=\"insufficient_scope\", scope=\"{}\"", scopes.join(" "));
        assert_eq!(answer.header("www-authenticate"), challenge);
    }

    async fn roles(&self, needs: Role) {
        for (role, browser) in &self.cast.members {
            if *role < needs {
                let says = send(self.browser(&browser.cookie)).await.problem(403, "insufficient_role");
                let message = says["message"].as_str().unwrap();
                assert!(message.contains(role.name()) && message.contains(needs.name()), "{says}");
            } else {
                let path = path_to_nothing(&self.cast.ours, &self.route.path);
                let request =
                    self.to(&path).header("cookie", &browser.cookie).header(WORKSPACE, self.cast.ours.slug);
                self.was_let_in(&send(request.header("sec-fetch-site", "same-origin")).await);
            }
        }
        let nobody = format!("keyrack_session={}", "0".repeat(64));
        send(self.browser(&nobody)).await.problem(401, "missing_key");
    }

    async fn other_workspace(&self) {
        send(self.browser(&self.cast.stranger.cookie)).await.problem(404, "not_found");
        let stranger = self.request().bearer_auth(&self.cast.their_key);
        let answer = send(stranger).await;
        if self.route.path.contains('{') && !self.route.path.contains("rotate") {
            answer.problem(404, "not_found");
        } else {
            // Their key works in their workspace, and sees nothing of ours.
            self.was_let_in(&answer);
            assert!(!answer.text.contains(&self.cast.ours.id.to_string()), "{answer:?}");
            assert!(!answer.text.contains(&self.cast.ours.key.to_string()), "{answer:?}");
        }
        let owner = self.request().header("cookie", &self.cast.member(Role::Owner).cookie);
        let owner = || owner.try_clone().unwrap().header("sec-fetch-site", "same-origin");
        send(owner()).await.problem(400, "missing_workspace");
        send(owner().header(WORKSPACE, self.cast.theirs.slug)).await.problem(404, "not_found");
        send(owner().header(WORKSPACE, "nowhere")).await.problem(404, "not_found");
        send(owner().header(WORKSPACE, "ours").header(WORKSPACE, "theirs"))
            .await
            .problem(400, "missing_workspace");
    }

    async fn another_site(&self) {
        let cookie = &self.cast.member(Role::Owner).cookie;
        let request = || self.request().header("cookie", cookie).header(WORKSPACE, self.cast.ours.slug);
        send(request().header("host", "evil.example")).await.problem(421, "foreign_host");
        if !self.route.method.is_safe() {
            send(request()).await.problem(403, "foreign_origin");
            send(request().header("sec-fetch-site", "cross-site")).await.problem(403, "foreign_origin");
            send(request().header("sec-fetch-site", "same-site")).await.problem(403, "foreign_origin");
            send(request().header("origin", "https://evil.example")).await.problem(403, "foreign_origin");
            send(request().header("origin", "null")).await.problem(403, "foreign_origin");
        }
    }

    /// What it wanted was not there, or not said: but it was looked at.
    fn was_let_in(&self, answer: &Answer) {
        let (method, path) = (&self.route.method, &self.route.path);
        assert!(matches!(answer.status.as_u16(), 200 | 404 | 422), "{method} {path}: {answer:?}");
    }
}

async fn anybody_gets_the_same(cast: &Cast, route: &Route) {
    let request =
        || cast.server.request(route.method.clone(), &format!("/api/v1{}", path_in(&cast.ours, &route.path)));
    let anonymous = send(request()).await;
    assert_eq!(anonymous.status, 200, "{anonymous:?}");
    for asks in [
        request().bearer_auth(unknown()),
        request().bearer_auth(cast.key()),
        request().bearer_auth(&cast.deleted),
        request().header("cookie", &cast.stranger.cookie),
    ] {
        assert_eq!(send(asks).await.text, anonymous.text);
    }
}

async fn only_the_signature_counts(cast: &Cast, route: &Route) {
    let path = format!("/api/v1{}", path_in(&cast.ours, &route.path));
    let request = |query: &str| cast.server.request(route.method.clone(), &format!("{path}{query}"));
    let cookie = &cast.member(Role::Owner).cookie;
    for query in ["", "?signature=", "?signature=0", &format!("?signature={}", "0".repeat(64))] {
        for asks in [
            request(query),
            request(query).bearer_auth(cast.key()),
            request(query).bearer_auth(unknown()),
            request(query).header("cookie", cookie).header("sec-fetch-site", "same-origin"),
        ] {
            send(asks.body("x")).await.problem(403, "wrong_signature");
        }
    }
}

#[tokio::test]
async fn the_page_that_a_refusal_names_leads_to_the_key() {
    let cast = Cast::assemble().await;
    let key = cast.holding(&[Scope::Inference]);
    let says = cast.server.get("/api/v1/projects", &key.secret).await.problem(403, "insufficient_scope");
    let path = says["manage_url"].as_str().unwrap().strip_prefix(&cast.server.url).unwrap().to_owned();
    let link = |request: RequestBuilder| request.header("accept", "text/html");
    let led = send(link(cast.member(Role::Viewer).request(&cast.server, Method::GET, &path))).await;
    assert_eq!(led.status, 303, "{led:?}");
    assert_eq!(led.header("location"), format!("/w/ours/settings/api-keys/{}", key.id));
    let stranger = send(link(cast.stranger.request(&cast.server, Method::GET, &path))).await;
    assert_eq!(stranger.status, 404, "{stranger:?}");
}
