//! The event stream of a training.

use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::fixture::TrainingFixture;
use crate::harness::{text, wait_until};

/// An open event stream.
struct EventStream {
    response: Response,
    read: String,
    /// The ID of the last event.
    last: String,
}

impl EventStream {
    async fn of(training: &TrainingFixture, key: &str, id: &str) -> Self {
        let response = Self::ask(training, key, id, "").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        // Compression would buffer events.
        assert!(!response.headers().contains_key("content-encoding"));
        Self { response, read: String::new(), last: String::new() }
    }

    /// Opens the stream like `EventSource`, which sends the ID of the last event when it reconnects.
    async fn ask(training: &TrainingFixture, key: &str, id: &str, last: &str) -> Response {
        let request = training.api.server.request(Method::GET, &format!("/api/v1/models/{id}/events"));
        let request = request.bearer_auth(key).header("accept-encoding", "gzip, br");
        let request = if last.is_empty() { request } else { request.header("last-event-id", last) };
        request.timeout(Duration::from_mins(2)).send().await.unwrap()
    }

    /// The next model. `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                if let Some(rest) = event.strip_prefix("event: model\nid: ") {
                    let (id, data) = rest.split_once("\nretry: 2000\ndata: ").unwrap();
                    id.clone_into(&mut self.last);
                    return Some(serde_json::from_str(data).unwrap());
                }
                // A comment that keeps the connection alive.
                assert!(event.starts_with(':'), "{event}");
            }
            let chunk = self.response.chunk().await.ok()??;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The ID of the first event.
    async fn first(mut self) -> String {
        self.next().await.unwrap();
        self.last
    }

    async fn rest(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(model) = self.next().await {
            all.push(model);
        }
        all
    }
}

#[tokio::test]
async fn event_stream_reports_progress_until_training_ends() {
    let training = TrainingFixture::start().await;
    let project = training.classification_project("caps", &[("red", 15), ("blue", 15)]).await;
    let id = training.train(&project, json!({})).await;
    let models = EventStream::of(&training, &training.api.manager_key, &id).await.rest().await;
    let last = models.last().unwrap();
    assert_eq!(last["status"], "ready", "{last}");
    assert_eq!(last, &training.model(&id).await);
    let percents: Vec<f64> =
        models.iter().filter_map(|model| model["progress"]["percent"].as_f64()).collect();
    assert!(percents.len() >= 2 && percents.is_sorted(), "{percents:?}");
    let features = models.iter().find(|model| model["progress"]["phase"] == "features").unwrap();
    assert_eq!(features["progress"]["total"], 30, "{features}");
    let seen = models.iter().any(|model| model["progress"]["imagesPerSecond"].as_f64() > Some(0.0));
    assert!(seen, "{models:?}");
    // The stream of an ended training has one event.
    assert_eq!(EventStream::of(&training, &training.api.manager_key, &id).await.rest().await.len(), 1);
}

#[tokio::test]
async fn reconnected_event_stream_sends_only_new_events() {
    let training = TrainingFixture::without_workers().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let id = training.train(&project, json!({})).await;
    let key = &training.api.manager_key;
    let mut stream = EventStream::of(&training, key, &id).await;
    assert_eq!(stream.next().await.unwrap()["status"], "queued");
    let (queued, again) = (stream.last, EventStream::of(&training, key, &id).await.first().await);
    assert_eq!(again, queued, "the same state has the same id");
    // Received events are not sent again: the next event is the end.
    let response = EventStream::ask(&training, key, &id, &queued).await;
    training.api.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok();
    let mut stream = EventStream { response, read: String::new(), last: String::new() };
    assert_eq!(stream.next().await.unwrap()["status"], "cancelled");
    let end = stream.last.clone();
    assert_eq!(stream.next().await, None);
    assert_eq!(EventStream::ask(&training, key, &id, &end).await.status(), 204);
    // A client that missed the last event receives it.
    let response = EventStream::ask(&training, key, &id, &queued).await;
    let models = EventStream { response, read: String::new(), last: String::new() }.rest().await;
    assert_eq!(models.len(), 1);
    assert_eq!(models[0]["status"], "cancelled");
}

#[tokio::test]
async fn event_stream_of_deleted_key_ends_within_two_seconds() {
    let training = TrainingFixture::without_workers().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let id = training.train(&project, json!({})).await;
    let key = training.api.create_key_with(&["project"]).await;
    let mut stream = EventStream::of(&training, &key.secret, &id).await;
    let mut other = EventStream::of(&training, &training.api.manager_key, &id).await;
    assert_eq!(stream.next().await.unwrap()["status"], "queued");
    assert_eq!(other.next().await.unwrap()["status"], "queued");
    training.api.delete(&key.path()).await.ok();
    let deleted = Instant::now();
    assert_eq!(stream.next().await, None);
    assert!(deleted.elapsed() < Duration::from_secs(2), "{:?}", deleted.elapsed());
    // The other stream continues.
    training.api.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok();
    assert_eq!(other.next().await.unwrap()["status"], "cancelled");
    assert_eq!(other.next().await, None);
}

#[tokio::test]
async fn event_stream_ends_with_deleted_model_or_server_stop() {
    let mut training = TrainingFixture::without_workers().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let (first, second) =
        (training.train(&project, json!({})).await, training.train(&project, json!({})).await);
    let mut deleted = EventStream::of(&training, &training.api.manager_key, &first).await;
    let mut open = EventStream::of(&training, &training.api.manager_key, &second).await;
    deleted.next().await.unwrap();
    assert_eq!(text(&open.next().await.unwrap()["id"]), second);
    assert_eq!(training.api.delete(&format!("/api/v1/models/{first}")).await.status, 204);
    assert_eq!(deleted.next().await, None);
    let started = Instant::now();
    assert_eq!(training.api.server.stop().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    wait_until("the stream ends", async || open.next().await.is_none().then_some(())).await;
}
