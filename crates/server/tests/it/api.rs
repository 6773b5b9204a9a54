//! A running server with one owner and one workspace, and a key that can create and change all other keys.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Answer, Server, text};

/// The pattern with which secret scanners find leaked keys, as it is published.
pub(crate) const SECRET_PATTERN: &str = r"(?-u:\b)[a-z][a-z0-9]{1,11}_(?:sk|pk)_[0-9A-Za-z]{38}(?-u:\b)";

/// The server trusts this proxy, so a client's address is the one in `X-Forwarded-For`.
const PROXY: [&str; 2] = ["--trusted-proxy", "127.0.0.0/8"];

pub(crate) struct Api {
    pub(crate) server: Server,
    /// The secret of a key with the scopes Project, Inference, and Keys.
    pub(crate) manager_key: String,
}

/// A key that the test has created.
#[derive(Debug)]
pub(crate) struct CreatedKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// The whole response body.
    pub(crate) body: Value,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts the server with additional arguments.
    pub(crate) async fn start_with(args: &[&str]) -> Self {
        let server = Server::start_with(&[&PROXY, args].concat(), &[]).await;
        crate::harness::setup(&server.data()).run().await.assert_succeeded();
        let manager_key = server.create_secret(&["project", "inference", "keys"]).await;
        Self { server, manager_key }
    }

    /// Creates a key with the manager key.
    pub(crate) async fn create_key(&self, key: Value) -> CreatedKey {
        self.create_key_as(&self.manager_key, key).await
    }

    pub(crate) async fn create_key_as(&self, maker: &str, key: Value) -> CreatedKey {
        let answer = self.server.post("/api/v1/keys", maker, key).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        CreatedKey::of(answer.json())
    }

    /// Creates a key with these scopes and without restrictions.
    pub(crate) async fn create_key_with(&self, scopes: &[&str]) -> CreatedKey {
        self.create_key(json!({ "name": "of a test", "scopes": scopes })).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.server.get(path, &self.manager_key).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.server.post(path, &self.manager_key, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.server.patch(path, &self.manager_key, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.server.delete(path, &self.manager_key).await
    }

    /// A request with the manager key, to which the test adds headers.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.request(method, path).bearer_auth(&self.manager_key)
    }

    /// The key as the API returns it now.
    pub(crate) async fn read(&self, key: &CreatedKey) -> Value {
        self.get(&key.path()).await.ok().json()
    }

    /// Rotates a key and returns the new secret.
    pub(crate) async fn rotate(&self, key: &CreatedKey, overlap: &str) -> CreatedKey {
        let answer = self.post(&format!("{}/rotate", key.path()), json!({ "gracePeriod": overlap })).await;
        CreatedKey::of(answer.ok().json())
    }

    /// Creates a project and returns its ID.
    pub(crate) async fn project(&self, name: &str) -> String {
        let project = json!({ "name": name, "projectType": "classification" });
        let answer = self.post("/api/v1/projects", project).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        text(&answer.json()["id"])
    }

    /// Lists the projects with `secret`. Only a key with the scope Project is allowed.
    pub(crate) async fn projects(&self, secret: &str) -> Answer {
        self.server.get("/api/v1/projects", secret).await
    }
}

impl CreatedKey {
    pub(crate) fn of(body: Value) -> Self {
        Self { id: text(&body["id"]), secret: text(&body["secret"]), body }
    }

    pub(crate) fn path(&self) -> String {
        format!("/api/v1/keys/{}", self.id)
    }
}

impl Answer {
    /// Panics if the response isn't a success.
    pub(crate) fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self:?}");
        self
    }

    /// Panics if the response isn't a problem with this status and code.
    pub(crate) fn assert_problem(self, status: u16, code: &str) -> Self {
        self.problem(status, code);
        self
    }

    /// Panics if `details` doesn't name this field.
    pub(crate) fn assert_field_error(self, field: &str) -> Self {
        self.check_field_error(field);
        self
    }

    /// The names of the items on a page, in order.
    pub(crate) fn item_names(&self) -> Vec<String> {
        self.json()["items"].as_array().unwrap().iter().map(|item| text(&item["name"])).collect()
    }
}

/// The time in `millis` milliseconds, as the API expects it.
pub(crate) fn millis_from_now(millis: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_millis(millis)).to_string()
}
