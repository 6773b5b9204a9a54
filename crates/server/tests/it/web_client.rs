//! A browser without JavaScript: a cookie, pages, and forms.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, PASSWORD, SLUG, Server, send, text};

/// A signed-in user in one workspace.
#[derive(Clone)]
pub(crate) struct WebClient<'a> {
    server: &'a Server,
    /// The cookie as `name=value`.
    pub(crate) cookie: String,
    /// The workspace in URLs.
    pub(crate) slug: String,
}

impl<'a> WebClient<'a> {
    /// Signs the owner in to the test workspace.
    pub(crate) async fn sign_in(server: &'a Server) -> Self {
        let answer = post(server, "", "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
        Self::of(server, &answer)
    }

    /// Sets up the first owner with the printed setup link.
    pub(crate) async fn set_up(server: &'a Server, workspace: &str) -> Self {
        let token = server.setup_link.as_ref().unwrap().rsplit('=').next().unwrap();
        let form = [
            ("token", token),
            ("name", "Ada"),
            ("email", EMAIL),
            ("password", PASSWORD),
            ("workspace", workspace),
        ];
        Self::of(server, &post(server, "", "/setup", &form).await)
    }

    fn of(server: &'a Server, answer: &Answer) -> Self {
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { server, cookie, slug: SLUG.to_owned() }
    }

    /// Creates another workspace and switches to it.
    pub(crate) async fn workspace(mut self, name: &str) -> Self {
        let answer = self.submit("/workspaces/new", &[("name", name)]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.header("location").split('/').nth(2).unwrap().clone_into(&mut self.slug);
        self
    }

    pub(crate) async fn page(&self, path: &str) -> Answer {
        send(self.server.request(Method::GET, path).header("cookie", &self.cookie)).await
    }

    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        post(self.server, &self.cookie, path, fields).await
    }

    /// The path of a page below the API Keys page.
    pub(crate) fn keys(&self, rest: &str) -> String {
        format!("/w/{}/settings/api-keys{rest}", self.slug)
    }

    /// The nonce of the form at `path`.
    pub(crate) async fn nonce(&self, path: &str) -> String {
        let page = self.page(path).await;
        let found = page.text.split("form_").nth(1).unwrap_or_else(|| panic!("{page:?}"));
        format!("form_{}", &found[..32])
    }

    /// Creates a project over the API with the session cookie and returns its ID.
    pub(crate) async fn project(&self, name: &str) -> String {
        let body = json!({ "name": name, "projectType": "classification" });
        text(&self.api(Method::POST, "/api/v1/projects", body).await.json()["id"])
    }

    /// Creates a key over the API with the session cookie.
    pub(crate) async fn api_key(&self, scopes: &[&str]) -> Value {
        let body = json!({ "name": "theirs", "scopes": scopes });
        self.api(Method::POST, "/api/v1/keys", body).await.json()
    }

    pub(crate) async fn delete_key(&self, id: &str) {
        self.api(Method::DELETE, &format!("/api/v1/keys/{id}"), json!({})).await;
    }

    async fn api(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.server.request(method, path).header("cookie", &self.cookie);
        let request = request.header("origin", &self.server.url).header("x-keyrack-workspace", &self.slug);
        let answer = send(request.json(&body)).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer
    }
}

/// Submits a form like a browser.
async fn post(server: &Server, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = server.request(Method::POST, path).header("origin", &server.url).header("cookie", cookie);
    send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
}
