//! The real binary on a folder of its own, and a client of it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::painted::picture;
use crate::times::Times;

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    data: TempDir,
    process: Child,
    url: String,
    key: String,
    session: String,
    client: Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        set_up(data.path());
        let key = new_key(data.path());
        let mut process = keyrack(data.path(), &["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.find_map(|line| Some(line.strip_prefix("Listening on ")?.to_owned())).unwrap();
        // Whatever it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let session = sign_in(&client, &url).await;
        Self { data, process, url, key, session, client }
    }

    pub(crate) async fn project(&self, name: &str, kind: &str) -> String {
        let made = self.post("/projects", json!({ "name": name, "projectType": kind })).await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Option<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// One call with the key; its answer, if it has a body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        let mut request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        request = request.bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).ok()
    }

    /// A picture with its class, as the public client uploads it.
    pub(crate) async fn upload(&self, project: &str, number: usize, label: Option<&str>) {
        let bytes = tokio::task::spawn_blocking(move || picture(number)).await.unwrap();
        let batch = self
            .post(&format!("/projects/{project}/batches"), json!({ "name": "sdk-upload" }))
            .await
            .unwrap();
        let labels = format!("/projects/{project}/annotations/labels");
        self.post(&labels, json!([{ "name": "class 0" }])).await.unwrap();
        let (name, size) = (format!("{number}.jpg"), bytes.len());
        let place = json!({ "name": name, "content_type": "image/jpeg" });
        let place = self.post(&format!("/projects/{project}/upload"), place).await.unwrap();
        let put = self.client.put(place["uploadUrl"].as_str().unwrap()).body(bytes).send().await.unwrap();
        assert!(put.status().is_success(), "{}", put.status());
        let record = json!({ "name": name, "width": 640, "height": 480, "contentType": "image/jpeg", "size": size,
                             "source": place["uri"], "batchId": batch["id"] });
        let record = self.post(&format!("/projects/{project}/datasets/records"), record).await.unwrap();
        let Some(label) = label else { return };
        let annotation = json!({ "dataset_record_id": record["id"],
                                 "annotations": [{ "label_id": label, "annotation": { "category": "category" } }] });
        self.post(&format!("/projects/{project}/annotations"), annotation).await;
    }

    /// How long a path takes, asked again and again.
    pub(crate) async fn times(&self, path: &str, count: usize) -> Times {
        let mut times = Times::default();
        for _ in 0..count {
            times.add(self.time(path).await);
        }
        times
    }

    /// How long a path takes until its last byte: a page for the owner, an API path for the key.
    pub(crate) async fn time(&self, path: &str) -> Duration {
        let request = self.client.get(format!("{}{path}", self.url));
        let request = if path.starts_with("/api/") {
            request.bearer_auth(&self.key)
        } else {
            request.header("cookie", &self.session)
        };
        let started = Instant::now();
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await.unwrap();
        started.elapsed()
    }

    /// How many objects there are.
    pub(crate) fn objects(&self) -> usize {
        count(&self.data.path().join("objects"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn keyrack(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyrack"));
    command.args(arguments).arg("--data").arg(data);
    command
}

fn set_up(data: &Path) {
    let arguments = ["setup", "--email", EMAIL, "--workspace", "bench", "--name", "Ada", "--password-stdin"];
    let mut process = keyrack(data, &arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(process.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(process.wait().unwrap().success());
}

fn new_key(data: &Path) -> String {
    let arguments =
        ["key", "create", "--workspace", "bench", "--name", "bench", "--scope", "project", "--json"];
    let output = keyrack(data, &arguments).output().unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    made["secret"].as_str().unwrap().to_owned()
}

/// The session's cookie.
async fn sign_in(client: &Client, url: &str) -> String {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email", EMAIL), ("password", PASSWORD)])
        .finish();
    let answer = client
        .post(format!("{url}/sign-in"))
        .header("origin", url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send();
    let answer = answer.await.unwrap();
    let mut cookies = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let cookie = cookies.find(|cookie| cookie.starts_with("keyrack_session=")).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}
