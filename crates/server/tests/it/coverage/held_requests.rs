//! Requests whose key changes after the guard has allowed them and before the last byte of the body arrives. They must not
//! write anything. The tests read the routes from the router; a new route with a body needs an example body in this file.

use keyrack::api::{Route, RouteAccess};
use keyrack_key::Scope;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{api_routes, path_of_missing};
use crate::datasets::test_images;
use crate::fixtures::AccessFixture;
use crate::harness::{Answer, Server, send, text};
use crate::raw_http::{connect, read_answer};

/// Part of every name that a probe sends.
const HELD: &str = "held-back";
/// Part of every name that is sent with an unchanged key. These names must be found in the database.
const ALIVE: &str = "key-stays";

/// How the key changes while its request is held.
#[derive(Clone, Copy, Debug)]
enum KeyEnd {
    Deleted,
    Paused,
    /// The key stays valid, but the secret of the request is revoked.
    Revoked,
    Narrowed,
}

#[tokio::test]
async fn request_whose_key_changes_before_body_ends_writes_nothing() {
    let mut fixture = AccessFixture::start().await;
    let project_fixture = WritableProject::build(&fixture).await;
    let mut probed = 0;
    for route in api_routes() {
        if route.method.is_safe() || !matches!(route.access, RouteAccess::Guarded(..)) {
            continue;
        }
        // The output is shown if a probe of this route fails.
        println!("{} {}", route.method, route.path);
        for end in [KeyEnd::Deleted, KeyEnd::Paused, KeyEnd::Revoked, KeyEnd::Narrowed] {
            let probe = HeldRequestProbe {
                fixture: &fixture,
                project_fixture: &project_fixture,
                route: &route,
                marker: HELD,
            };
            let caller = project_fixture.caller(&fixture, end).await;
            let Some((request, body)) = probe.hold(&caller).await else { continue };
            caller.end(&fixture, end).await;
            let answer = release_request(request, &body).await;
            let problem: Value = answer.json();
            assert_eq!(problem["code"], "changed_key", "{} {} {end:?}: {answer:?}", route.method, route.path);
            probed += 1;
        }
        let probe = HeldRequestProbe {
            fixture: &fixture,
            project_fixture: &project_fixture,
            route: &route,
            marker: ALIVE,
        };
        let caller = project_fixture.caller(&fixture, KeyEnd::Deleted).await;
        if let Some((request, body)) = probe.hold(&caller).await {
            let answer = release_request(request, &body).await;
            let is_of_people = route.path.starts_with("/workspace");
            assert_eq!(
                answer.status.is_success(),
                !is_of_people,
                "{} {}: {answer:?}",
                route.method,
                route.path
            );
        }
    }
    assert!(probed > 40, "{probed}");
    fixture.server.stop().await;
    let written = all_table_text(&fixture);
    assert!(written.contains(ALIVE), "the search finds written names");
    let found = written.find(HELD).map(|at| &written[at.saturating_sub(200)..at]);
    assert_eq!(found, None);
}

/// All text in all tables.
fn all_table_text(fixture: &AccessFixture) -> String {
    let db = Connection::open(fixture.server.data().join("keyrack.db")).unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = String::new();
    for table in tables {
        let mut rows = db.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                if let Ok(text) = row.get::<_, String>(column) {
                    all.push_str(&text);
                    all.push('\n');
                }
            }
        }
    }
    all
}

/// A project in which every write would succeed.
struct WritableProject {
    project: String,
    labels: Vec<String>,
    record: String,
}

/// A key that a probe uses.
struct Caller {
    id: String,
    secret: String,
}

impl WritableProject {
    /// Creates a project with enough labeled images for a training.
    async fn build(fixture: &AccessFixture) -> Self {
        let project = fixture.ours.project.to_string();
        let mut project_fixture = Self { project, labels: Vec::new(), record: String::new() };
        let labels = json!([{ "name": "good" }, { "name": "bad" }]);
        let created = project_fixture.post(fixture, "annotations/labels", labels).await;
        project_fixture.labels = created.as_array().unwrap().iter().map(|label| text(&label["id"])).collect();
        for label in project_fixture.labels.clone() {
            for _ in 0..5 {
                let source = project_fixture.uploaded(fixture, fixture.key()).await;
                let record = project_fixture
                    .post(fixture, "datasets/records", json!({ "name": "a.jpg", "source": source }))
                    .await;
                project_fixture.record = text(&record["id"]);
                let class = json!({ "label_id": label, "annotation": { "category": "category" } });
                let body = json!({ "dataset_record_id": project_fixture.record, "annotations": [class] });
                project_fixture.post(fixture, "annotations", body).await;
            }
        }
        project_fixture
    }

    async fn post(&self, fixture: &AccessFixture, rest: &str, body: Value) -> Value {
        let path = format!("/api/v1/projects/{}/{rest}", self.project);
        let answer = fixture.server.post(&path, fixture.key(), body).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer.json()
    }

    /// Uploads an image without creating a record, and returns its source.
    async fn uploaded(&self, fixture: &AccessFixture, key: &str) -> String {
        let path = format!("/api/v1/projects/{}/upload", self.project);
        let response = fixture.server.post(&path, key, json!({ "name": "a.jpg" })).await.ok().json();
        let url = text(&response["uploadUrl"]);
        let path = url.strip_prefix(&fixture.server.url).unwrap();
        let put = send(fixture.server.request(Method::PUT, path).body(test_images::jpeg(8, 8))).await;
        assert_eq!(put.status, 204, "{put:?}");
        text(&response["uri"])
    }

    async fn caller(&self, fixture: &AccessFixture, end: KeyEnd) -> Caller {
        let scopes: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        let body = json!({ "name": "caller", "scopes": scopes });
        let created = fixture.server.post("/api/v1/keys", fixture.key(), body).await.ok().json();
        let caller = Caller { id: text(&created["id"]), secret: text(&created["secret"]) };
        if matches!(end, KeyEnd::Revoked) {
            let path = format!("/api/v1/keys/{}/rotate", caller.id);
            fixture.server.post(&path, fixture.key(), json!({ "gracePeriod": "10m" })).await.ok();
        }
        caller
    }
}

impl Caller {
    async fn end(&self, fixture: &AccessFixture, end: KeyEnd) {
        let path = format!("/api/v1/keys/{}", self.id);
        let (server, key) = (&fixture.server, fixture.key());
        let ended = match end {
            KeyEnd::Deleted => server.delete(&path, key).await,
            KeyEnd::Paused => server.post(&format!("{path}/pause"), key, json!({})).await,
            KeyEnd::Revoked => server.post(&format!("{path}/retire"), key, json!({})).await,
            KeyEnd::Narrowed => {
                let networks = json!({ "restrictions": { "networks": ["192.0.2.0/24"] } });
                server.patch(&path, key, networks).await
            }
        };
        ended.ok();
    }
}

struct HeldRequestProbe<'a> {
    fixture: &'a AccessFixture,
    project_fixture: &'a WritableProject,
    route: &'a Route,
    marker: &'static str,
}

impl HeldRequestProbe<'_> {
    /// Holds a request before its last byte. `None` if the route responds without waiting for the body.
    async fn hold(&self, caller: &Caller) -> Option<(TcpStream, String)> {
        let reads_body = crate::coverage::document()["paths"][&self.route.path]
            [self.route.method.as_str().to_lowercase()]["requestBody"]
            .is_object();
        // Predictions need a trained model; `predict::held_requests` tests them.
        if self.route.path.starts_with("/predict/") {
            return None;
        }
        let (path, body) = if reads_body {
            self.body(caller).await
        } else {
            (path_of_missing(&self.fixture.ours, &self.route.path), "{}".to_owned())
        };
        let request = hold_request(
            &self.fixture.server,
            &self.route.method,
            &format!("/api/v1{path}"),
            &caller.secret,
            &body,
        )
        .await;
        assert_eq!(request.is_some(), reads_body, "{} {}", self.route.method, self.route.path);
        Some((request?, body))
    }

    /// The path and body of a request that would write something.
    async fn body(&self, caller: &Caller) -> (String, String) {
        let Self { fixture, project_fixture, route, marker } = self;
        let node = async || {
            let body = json!({ "name": "of a test", "offlineGraceSeconds": 0 });
            text(&fixture.server.post("/api/v1/nodes", &caller.secret, body).await.ok().json()["id"])
        };
        let name = || json!({ "name": format!("{marker} {}", caller.id) });
        let mut path = route.path.replace("projects/{id}", &format!("projects/{}", project_fixture.project));
        let body = match (route.method.as_str(), route.path.as_str()) {
            ("POST", "/keys") => json!({ "name": marker, "scopes": ["inference"] }),
            ("DELETE", "/keys/{id}") => json!({ "reason": marker }),
            ("POST", "/keys/{id}/rotate") => json!({ "gracePeriod": "0s" }),
            ("POST", "/keys/{id}/pause") => json!({ "duration": "1h" }),
            ("POST", "/keys/{id}/what-if") => json!({ "scopes": ["project"] }),
            ("POST", "/projects") => {
                json!({ "name": format!("{marker} {}", caller.id), "projectType": "classification" })
            }
            ("PATCH", "/projects/{id}") => json!({ "description": marker }),
            ("PATCH", "/keys/{id}" | "/workspace")
            | ("POST", "/projects/{id}/models" | "/projects/{id}/batches" | "/projects/{id}/upload") => {
                name()
            }
            ("POST", "/projects/{id}/annotations/labels") => json!([name()]),
            ("POST", "/projects/{id}/datasets/records") => {
                json!({ "name": marker, "source": project_fixture.uploaded(fixture, fixture.key()).await })
            }
            ("POST", "/projects/{id}/annotations") => {
                let metadata = json!({ "note": marker });
                let class = json!({ "category": "category", "metadata": metadata });
                let class = json!({ "label_id": project_fixture.labels[0], "annotation": class });
                json!({ "dataset_record_id": project_fixture.record, "annotations": [class] })
            }
            ("POST", "/nodes") => json!({ "name": marker, "offlineGraceSeconds": 0 }),
            ("POST", "/nodes/{id}/changes") => {
                path = path.replace("{id}", &node().await);
                let start = json!({ "revision": 0, "change": "AAAAAAAAAAAAAAAAAAAAAA==" });
                json!({ "applied": start, "waitMillis": 0 })
            }
            ("POST", "/nodes/{id}/usage") => {
                path = path.replace("{id}", &node().await);
                let now = jiff::Timestamp::now().to_string();
                let call = json!({ "key": fixture.ours.key.to_string(), "hint": "Ab0z", "agent": marker,
                                   "first": now, "last": now, "calls": 1 });
                json!({ "batch": 1, "keys": [], "callers": [call] })
            }
            other => panic!("add a body for {other:?}"),
        };
        if path.starts_with("/keys/{id}") {
            let victim = json!({ "name": "victim", "scopes": ["inference"] });
            let victim = fixture.server.post("/api/v1/keys", fixture.key(), victim).await.ok().json();
            path = path.replace("{id}", &text(&victim["id"]));
        }
        assert!(!path.contains('{'), "{path}");
        (path, body.to_string())
    }
}

/// Sends all but the last byte of a body. `None` if the server responds without requesting the body.
pub(crate) async fn hold_request(
    server: &Server,
    method: &Method,
    path: &str,
    secret: &str,
    body: &str,
) -> Option<TcpStream> {
    let mut stream = connect(&server.url).await;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-api-key: {secret}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        server.url.trim_start_matches("http://"),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server sends 100 Continue after the guard has allowed the request and the handler reads the body.
    let mut response = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut response).await.unwrap();
    if &response != b"HTTP/1.1 100" {
        return None;
    }
    let mut rest = [0; 13];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut rest).await.unwrap();
    stream.write_all(&body.as_bytes()[..body.len() - 1]).await.unwrap();
    Some(stream)
}

pub(crate) async fn release_request(mut stream: TcpStream, body: &str) -> Answer {
    stream.write_all(&body.as_bytes()[body.len() - 1..]).await.unwrap();
    read_answer(&mut stream).await.unwrap()
}
