//! Requests that were let in and then held back: their key ends before the last byte of the body is sent. Nothing of them
//! may be written. The routes come from the router's own list; a new one that reads a body needs a body here.

use keyrack::api::{Route, RouteAccess};
use keyrack_key::Scope;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{api_routes, path_to_nothing};
use crate::cast::Cast;
use crate::datasets::painted;
use crate::harness::{Answer, Server, send, text};
use crate::raw::{connect, read_answer};

/// In every name that a probe sends.
const HELD: &str = "held-back";
/// The same for requests whose key stays as it is: what these write is found.
const ALIVE: &str = "key-stays";

/// How the key of a request ends while it is held back.
#[derive(Clone, Copy, Debug)]
enum End {
    Deleted,
    Paused,
    /// The key lives on, and the secret that was sent was revoked.
    Revoked,
    Narrowed,
}

#[tokio::test]
async fn a_request_whose_key_ends_before_its_body_has_come_writes_nothing() {
    let mut cast = Cast::assemble().await;
    let stage = Stage::build(&cast).await;
    let mut probed = 0;
    for route in api_routes() {
        if route.method.is_safe() || !matches!(route.access, RouteAccess::Guarded(..)) {
            continue;
        }
        // Shown when a probe of it fails.
        println!("{} {}", route.method, route.path);
        for end in [End::Deleted, End::Paused, End::Revoked, End::Narrowed] {
            let probe = Probe { cast: &cast, stage: &stage, route: &route, marker: HELD };
            let caller = stage.caller(&cast, end).await;
            let Some((request, body)) = probe.holds(&caller).await else { continue };
            caller.end(&cast, end).await;
            let answer = let_go(request, &body).await;
            let says: Value = answer.json();
            assert_eq!(says["code"], "changed_key", "{} {} {end:?}: {answer:?}", route.method, route.path);
            probed += 1;
        }
        let probe = Probe { cast: &cast, stage: &stage, route: &route, marker: ALIVE };
        let caller = stage.caller(&cast, End::Deleted).await;
        if let Some((request, body)) = probe.holds(&caller).await {
            let answer = let_go(request, &body).await;
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
    cast.server.stop().await;
    let written = everything(&cast);
    assert!(written.contains(ALIVE), "what is written is found");
    let found = written.find(HELD).map(|at| &written[at.saturating_sub(200)..at]);
    assert_eq!(found, None);
}

/// All text of all tables.
fn everything(cast: &Cast) -> String {
    let db = Connection::open(cast.server.data().join("keyrack.db")).unwrap();
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
struct Stage {
    project: String,
    labels: Vec<String>,
    record: String,
}

/// A key that a probe calls with.
struct Caller {
    id: String,
    secret: String,
}

impl Stage {
    /// Labels enough images for a training.
    async fn build(cast: &Cast) -> Self {
        let project = cast.ours.project.to_string();
        let mut stage = Self { project, labels: Vec::new(), record: String::new() };
        let labels = json!([{ "name": "good" }, { "name": "bad" }]);
        let made = stage.post(cast, "annotations/labels", labels).await;
        stage.labels = made.as_array().unwrap().iter().map(|label| text(&label["id"])).collect();
        for label in stage.labels.clone() {
            for _ in 0..5 {
                let source = stage.uploaded(cast, cast.key()).await;
                let record =
                    stage.post(cast, "datasets/records", json!({ "name": "a.jpg", "source": source })).await;
                stage.record = text(&record["id"]);
                let class = json!({ "label_id": label, "annotation": { "category": "category" } });
                let body = json!({ "dataset_record_id": stage.record, "annotations": [class] });
                stage.post(cast, "annotations", body).await;
            }
        }
        stage
    }

    async fn post(&self, cast: &Cast, rest: &str, body: Value) -> Value {
        let path = format!("/api/v1/projects/{}/{rest}", self.project);
        let answer = cast.server.post(&path, cast.key(), body).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer.json()
    }

    /// The source of an image that was sent to an upload URL, and that no record was made of.
    async fn uploaded(&self, cast: &Cast, key: &str) -> String {
        let path = format!("/api/v1/projects/{}/upload", self.project);
        let asked = cast.server.post(&path, key, json!({ "name": "a.jpg" })).await.ok().json();
        let url = text(&asked["uploadUrl"]);
        let path = url.strip_prefix(&cast.server.url).unwrap();
        let put = send(cast.server.request(Method::PUT, path).body(painted::jpeg(8, 8))).await;
        assert_eq!(put.status, 204, "{put:?}");
        text(&asked["uri"])
    }

    async fn caller(&self, cast: &Cast, end: End) -> Caller {
        let scopes: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        let body = json!({ "name": "caller", "scopes": scopes });
        let made = cast.server.post("/api/v1/keys", cast.key(), body).await.ok().json();
        let caller = Caller { id: text(&made["id"]), secret: text(&made["secret"]) };
        if matches!(end, End::Revoked) {
            let path = format!("/api/v1/keys/{}/rotate", caller.id);
            cast.server.post(&path, cast.key(), json!({ "gracePeriod": "10m" })).await.ok();
        }
        caller
    }
}

impl Caller {
    async fn end(&self, cast: &Cast, end: End) {
        let path = format!("/api/v1/keys/{}", self.id);
        let (server, key) = (&cast.server, cast.key());
        let ended = match end {
            End::Deleted => server.delete(&path, key).await,
            End::Paused => server.post(&format!("{path}/pause"), key, json!({})).await,
            End::Revoked => server.post(&format!("{path}/retire"), key, json!({})).await,
            End::Narrowed => {
                let networks = json!({ "restrictions": { "networks": ["192.0.2.0/24"] } });
                server.patch(&path, key, networks).await
            }
        };
        ended.ok();
    }
}

struct Probe<'a> {
    cast: &'a Cast,
    stage: &'a Stage,
    route: &'a Route,
    marker: &'static str,
}

impl Probe<'_> {
    /// A request of which all but the last byte was sent. `None` where the response doesn't wait for the body: no client can
    /// hold such a request back.
    async fn holds(&self, caller: &Caller) -> Option<(TcpStream, String)> {
        let reads_body = crate::coverage::document()["paths"][&self.route.path]
            [self.route.method.as_str().to_lowercase()]["requestBody"]
            .is_object();
        // Predictions need a trained model: `predict::held`.
        if self.route.path.starts_with("/predict/") {
            return None;
        }
        let (path, body) = if reads_body {
            self.body(caller).await
        } else {
            (path_to_nothing(&self.cast.ours, &self.route.path), "{}".to_owned())
        };
        let held =
            held(&self.cast.server, &self.route.method, &format!("/api/v1{path}"), &caller.secret, &body)
                .await;
        assert_eq!(held.is_some(), reads_body, "{} {}", self.route.method, self.route.path);
        Some((held?, body))
    }

    /// Where and what to send so that something would be written.
    async fn body(&self, caller: &Caller) -> (String, String) {
        let Self { cast, stage, route, marker } = self;
        let node = async || {
            let body = json!({ "name": "of a test", "offlineGraceSeconds": 0 });
            text(&cast.server.post("/api/v1/nodes", &caller.secret, body).await.ok().json()["id"])
        };
        let name = || json!({ "name": format!("{marker} {}", caller.id) });
        let mut path = route.path.replace("projects/{id}", &format!("projects/{}", stage.project));
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
                json!({ "name": marker, "source": stage.uploaded(cast, cast.key()).await })
            }
            ("POST", "/projects/{id}/annotations") => {
                let metadata = json!({ "note": marker });
                let class = json!({ "category": "category", "metadata": metadata });
                let class = json!({ "label_id": stage.labels[0], "annotation": class });
                json!({ "dataset_record_id": stage.record, "annotations": [class] })
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
                let call = json!({ "key": cast.ours.key.to_string(), "hint": "Ab0z", "agent": marker,
                                   "first": now, "last": now, "calls": 1 });
                json!({ "batch": 1, "keys": [], "callers": [call] })
            }
            other => panic!("say here what {other:?} would write"),
        };
        if path.starts_with("/keys/{id}") {
            let victim = json!({ "name": "victim", "scopes": ["inference"] });
            let victim = cast.server.post("/api/v1/keys", cast.key(), victim).await.ok().json();
            path = path.replace("{id}", &text(&victim["id"]));
        }
        assert!(!path.contains('{'), "{path}");
        (path, body.to_string())
    }
}

/// Sends all but the last byte of a body. `None` where the server answers without having asked for it.
pub(crate) async fn held(
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
    // The server asks for the body when the guard has let the request in and the handler reads on.
    let mut asked = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut asked).await.unwrap();
    if &asked != b"HTTP/1.1 100" {
        return None;
    }
    let mut rest = [0; 13];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut rest).await.unwrap();
    stream.write_all(&body.as_bytes()[..body.len() - 1]).await.unwrap();
    Some(stream)
}

pub(crate) async fn let_go(mut stream: TcpStream, body: &str) -> Answer {
    stream.write_all(&body.as_bytes()[body.len() - 1..]).await.unwrap();
    read_answer(&mut stream).await.unwrap()
}
