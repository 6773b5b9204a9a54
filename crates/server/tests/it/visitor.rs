//! Somebody in a browser without scripts: a cookie, pages and forms.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, PASSWORD, SLUG, Server, send, text};

/// Somebody who is signed in, in one of their workspaces.
#[derive(Clone)]
pub(crate) struct Visitor<'a> {
    server: &'a Server,
    /// The whole cookie, `name=value`.
    pub(crate) cookie: String,
    /// The workspace in addresses.
    pub(crate) slug: String,
}

impl<'a> Visitor<'a> {
    /// The owner, in the workspace of tests.
    pub(crate) async fn sign_in(server: &'a Server) -> Self {
        let answer = post(server, "", "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await;
        Self::of(server, &answer)
    }

    /// The first owner, through the link that the server printed.
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

    /// Begins another workspace, and goes there.
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

    /// A page below the API Keys page.
    pub(crate) fn keys(&self, rest: &str) -> String {
        format!("/w/{}/settings/api-keys{rest}", self.slug)
    }

    /// The nonce in the form at `path`.
    pub(crate) async fn nonce(&self, path: &str) -> String {
        let page = self.page(path).await;
        let found = page.text.split("form_").nth(1).unwrap_or_else(|| panic!("{page:?}"));
        format!("form_{}", &found[..32])
    }

    /// A project of the workspace, made over the API with the cookie.
    pub(crate) async fn project(&self, name: &str) -> String {
        let body = json!({ "name": name, "projectType": "classification" });
        text(&self.api(Method::POST, "/api/v1/projects", body).await.json()["id"])
    }

    /// A key of the workspace, likewise.
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

/// Sends a form as a browser would.
async fn post(server: &Server, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = server.request(Method::POST, path).header("origin", &server.url).header("cookie", cookie);
    send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
}
