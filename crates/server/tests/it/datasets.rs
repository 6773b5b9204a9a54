//! Images and annotations over the API: what is stored, what is rejected, and that rejected requests leave nothing behind.

mod annotations;
mod cleanup;
mod concurrency;
mod images;
mod quotas;
pub(crate) mod test_images;
mod uploads;
mod workflow;

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{Answer, send, text, wait_until};

/// A project on a running server.
struct DatasetFixture {
    api: Api,
    project: String,
}

/// An upload URL from the API.
struct UploadUrl {
    /// The part of the URL after the port.
    path: String,
    uri: String,
}

impl DatasetFixture {
    async fn start() -> Self {
        let api = Api::start().await;
        let project = api.project("Bottle caps").await;
        Self { api, project }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/projects/{}/{rest}", self.project)
    }

    async fn post(&self, rest: &str, body: Value) -> Answer {
        self.api.post(&self.path(rest), body).await
    }

    async fn get(&self, rest: &str) -> Answer {
        self.api.get(&self.path(rest)).await
    }

    async fn delete(&self, rest: &str) -> Answer {
        self.api.delete(&self.path(rest)).await
    }

    async fn request_upload(&self) -> UploadUrl {
        self.request_upload_with(&self.api.manager_key).await
    }

    async fn request_upload_with(&self, key: &str) -> UploadUrl {
        let body = json!({ "name": "a.jpg", "content_type": "image/jpeg" });
        let answer = self.api.server.post(&self.path("upload/"), key, body).await.ok().json();
        let url = text(&answer["uploadUrl"]);
        let path = url.strip_prefix(&self.api.server.url).unwrap_or_else(|| panic!("{url}"));
        UploadUrl { path: path.to_owned(), uri: text(&answer["uri"]) }
    }

    /// Sends bytes to an upload URL. Like clients, it sends no key.
    async fn put(&self, upload_url: &UploadUrl, bytes: &[u8]) -> Answer {
        let request = self.api.server.request(Method::PUT, &upload_url.path);
        send(request.header("content-type", "image/jpeg").body(bytes.to_vec())).await
    }

    /// Creates a record for an upload. The declared size and type are false, and the server must ignore them.
    async fn create_record(&self, uri: &str) -> Answer {
        let body = json!({ "name": "a.jpg", "height": 1, "width": 1, "contentType": "image/gif", "size": 1, "source": uri });
        self.post("datasets/records/", body).await
    }

    /// Requests an upload URL, uploads the bytes, and creates a record.
    async fn upload_and_record(&self, bytes: &[u8]) -> Answer {
        let upload_url = self.request_upload().await;
        assert_eq!(self.put(&upload_url, bytes).await.status, 204);
        self.create_record(&upload_url.uri).await
    }

    async fn upload_image(&self, bytes: &[u8]) -> Value {
        let answer = self.upload_and_record(bytes).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// Creates labels and returns their IDs.
    async fn labels(&self, names: &[&str]) -> Vec<String> {
        let body: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
        let answer = self.post("annotations/labels/", body.into()).await.ok().json();
        answer.as_array().unwrap().iter().map(|label| text(&label["id"])).collect()
    }

    async fn annotate(&self, record: &Value, annotations: Value) -> Answer {
        let body = json!({ "dataset_record_id": record["id"], "annotations": annotations });
        self.post("annotations/", body).await
    }

    /// The IDs of the records that match a query, in order.
    async fn find_records(&self, query: &str) -> Vec<String> {
        let page = self.get(&format!("datasets/records{query}")).await.ok().json();
        page["items"].as_array().unwrap().iter().map(|record| text(&record["id"])).collect()
    }

    /// The paths of all stored objects, relative to the objects folder.
    fn objects(&self) -> Vec<PathBuf> {
        let root = self.api.server.data().join("objects");
        let mut files = Vec::new();
        walk(&root, &mut files);
        files.iter().map(|file| file.strip_prefix(&root).unwrap().to_owned()).collect()
    }

    async fn wait_until_no_object_is_left(&self) {
        wait_until("no object is left", async || self.objects().is_empty().then_some(())).await;
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    // A folder can be deleted during the walk.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// A classification of the whole image.
fn classification(label: &str) -> Value {
    json!({ "label_id": label, "annotation": { "category": "category", "metadata": { "image": { "width": 1 } } } })
}

/// A bounding box.
fn bounding_box(label: &str, edges: [f64; 4]) -> Value {
    let [left, top, width, height] = edges;
    let place =
        json!({ "category": "bounding_box", "left": left, "top": top, "width": width, "height": height });
    json!({ "label_id": label, "annotation": place })
}
