//! A server with an owner and a workspace, and a key that may make and change all others.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Answer, Server, text};

/// The form by which secret scanners find a leak, as it is published.
pub(crate) const FORM: &str = r"(?-u:\b)[a-z][a-z0-9]{1,11}_(?:sk|pk)_[0-9A-Za-z]{38}(?-u:\b)";

/// Behind the proxy that this believes, a client's address is what `X-Forwarded-For` says.
const PROXY: [&str; 2] = ["--trusted-proxy", "127.0.0.0/8"];

pub(crate) struct Desk {
    pub(crate) server: Server,
    /// The secret of a key that holds everything.
    pub(crate) master: String,
}

/// A key that was just made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// The whole answer.
    pub(crate) body: Value,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    /// With more arguments for the server.
    pub(crate) async fn with(args: &[&str]) -> Self {
        let server = Server::with(&[&PROXY, args].concat(), &[]).await;
        crate::harness::setup(&server.data()).run().await.succeeded();
        let master = server.key(&["project", "inference", "keys"]).await;
        Self { server, master }
    }

    /// Makes a key of this description with the master key.
    pub(crate) async fn make(&self, key: Value) -> Made {
        self.make_by(&self.master, key).await
    }

    pub(crate) async fn make_by(&self, maker: &str, key: Value) -> Made {
        let answer = self.server.post("/api/v1/keys", maker, key).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        Made::of(answer.json())
    }

    /// Makes a key with these scopes and no restriction.
    pub(crate) async fn key(&self, scopes: &[&str]) -> Made {
        self.make(json!({ "name": "of a test", "scopes": scopes })).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.server.get(path, &self.master).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.server.post(path, &self.master, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.server.patch(path, &self.master, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.server.delete(path, &self.master).await
    }

    /// A request of the master key that needs more headers.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.request(method, path).bearer_auth(&self.master)
    }

    /// A key as the API tells of it now.
    pub(crate) async fn read(&self, key: &Made) -> Value {
        self.get(&key.path()).await.ok().json()
    }

    /// Gives a key a new secret, and says what was answered.
    pub(crate) async fn rotate(&self, key: &Made, overlap: &str) -> Made {
        let answer = self.post(&format!("{}/rotate", key.path()), json!({ "gracePeriod": overlap })).await;
        Made::of(answer.ok().json())
    }

    /// A new project, by its id.
    pub(crate) async fn project(&self, name: &str) -> String {
        let project = json!({ "name": name, "projectType": "classification" });
        let answer = self.post("/api/v1/projects", project).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        text(&answer.json()["id"])
    }

    /// Asks for the list of projects with a secret, which only Project opens.
    pub(crate) async fn projects(&self, secret: &str) -> Answer {
        self.server.get("/api/v1/projects", secret).await
    }
}

impl Made {
    pub(crate) fn of(body: Value) -> Self {
        Self { id: text(&body["id"]), secret: text(&body["secret"]), body }
    }

    pub(crate) fn path(&self) -> String {
        format!("/api/v1/keys/{}", self.id)
    }
}

impl Answer {
    /// Demands that it did not fail.
    pub(crate) fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self:?}");
        self
    }

    /// Demands a problem of this status and code.
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        self.problem(status, code);
        self
    }

    /// Demands that `details` name this field.
    pub(crate) fn names(self, field: &str) -> Self {
        self.names_field(field);
        self
    }

    /// The names of the items of a page, in its order.
    pub(crate) fn item_names(&self) -> Vec<String> {
        self.json()["items"].as_array().unwrap().iter().map(|item| text(&item["name"])).collect()
    }
}

/// A moment so many milliseconds from now, as the API reads it.
pub(crate) fn in_millis(millis: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_millis(millis)).to_string()
}
