//! Pictures and what is in them, at the wire: what is kept, what is refused, and that nothing else stays behind.

mod annotations;
mod flow;
pub(crate) mod painted;
mod pictures;
mod quotas;
mod removal;
mod together;
mod uploads;

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Answer, send, text, until};

/// A project of a running server.
struct Site {
    desk: Desk,
    project: String,
}

/// A place for a picture, as it was answered.
struct Asked {
    /// Behind the port.
    path: String,
    uri: String,
}

impl Site {
    async fn open() -> Self {
        let desk = Desk::open().await;
        let project = desk.project("Bottle caps").await;
        Self { desk, project }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/projects/{}/{rest}", self.project)
    }

    async fn post(&self, rest: &str, body: Value) -> Answer {
        self.desk.post(&self.path(rest), body).await
    }

    async fn get(&self, rest: &str) -> Answer {
        self.desk.get(&self.path(rest)).await
    }

    async fn delete(&self, rest: &str) -> Answer {
        self.desk.delete(&self.path(rest)).await
    }

    async fn ask(&self) -> Asked {
        self.ask_with(&self.desk.master).await
    }

    async fn ask_with(&self, key: &str) -> Asked {
        let body = json!({ "name": "a.jpg", "content_type": "image/jpeg" });
        let answer = self.desk.server.post(&self.path("upload/"), key, body).await.ok().json();
        let url = text(&answer["uploadUrl"]);
        let path = url.strip_prefix(&self.desk.server.url).unwrap_or_else(|| panic!("{url}"));
        Asked { path: path.to_owned(), uri: text(&answer["uri"]) }
    }

    /// Sends bytes to a place, as clients do: with no key.
    async fn put(&self, asked: &Asked, bytes: &[u8]) -> Answer {
        let request = self.desk.server.request(Method::PUT, &asked.path);
        send(request.header("content-type", "image/jpeg").body(bytes.to_vec())).await
    }

    /// Makes a record of what was sent. What this says of the picture is not true.
    async fn record_of(&self, uri: &str) -> Answer {
        let lies = json!({ "name": "a.jpg", "height": 1, "width": 1, "contentType": "image/gif", "size": 1, "source": uri });
        self.post("datasets/records/", lies).await
    }

    /// Asks, sends, records.
    async fn try_picture(&self, bytes: &[u8]) -> Answer {
        let asked = self.ask().await;
        assert_eq!(self.put(&asked, bytes).await.status, 204);
        self.record_of(&asked.uri).await
    }

    async fn picture(&self, bytes: &[u8]) -> Value {
        let answer = self.try_picture(bytes).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// The ids of labels of these names.
    async fn labels(&self, names: &[&str]) -> Vec<String> {
        let body: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
        let answer = self.post("annotations/labels/", body.into()).await.ok().json();
        answer.as_array().unwrap().iter().map(|label| text(&label["id"])).collect()
    }

    async fn annotate(&self, record: &Value, annotations: Value) -> Answer {
        let body = json!({ "dataset_record_id": record["id"], "annotations": annotations });
        self.post("annotations/", body).await
    }

    /// The ids of the records that a query finds, in its order.
    async fn found(&self, query: &str) -> Vec<String> {
        let page = self.get(&format!("datasets/records{query}")).await.ok().json();
        page["items"].as_array().unwrap().iter().map(|record| text(&record["id"])).collect()
    }

    /// The files of all objects, below their folder.
    fn objects(&self) -> Vec<PathBuf> {
        let root = self.desk.server.data().join("objects");
        let mut files = Vec::new();
        walk(&root, &mut files);
        files.iter().map(|file| file.strip_prefix(&root).unwrap().to_owned()).collect()
    }

    async fn until_no_object_is_left(&self) {
        until("no object is left", async || self.objects().is_empty().then_some(())).await;
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    // A folder may go while it is looked at.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// An annotation of a picture as a whole.
fn class(label: &str) -> Value {
    json!({ "label_id": label, "annotation": { "category": "category", "metadata": { "image": { "width": 1 } } } })
}

/// A box.
fn boxed(label: &str, edges: [f64; 4]) -> Value {
    let [left, top, width, height] = edges;
    let place =
        json!({ "category": "bounding_box", "left": left, "top": top, "width": width, "height": height });
    json!({ "label_id": label, "annotation": place })
}
