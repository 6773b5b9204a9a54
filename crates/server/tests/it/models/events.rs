//! The stream of a training's events.

use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::school::School;
use crate::harness::{text, until};

/// A stream of events that is being read.
struct Stream {
    response: Response,
    read: String,
    /// The id of the last event.
    last: String,
}

impl Stream {
    async fn of(school: &School, key: &str, id: &str) -> Self {
        let response = Self::ask(school, key, id, "").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        // Whatever is compressed waits for more.
        assert!(!response.headers().contains_key("content-encoding"));
        Self { response, read: String::new(), last: String::new() }
    }

    /// Asks as `EventSource` does, which sends the id of the last event when it connects again.
    async fn ask(school: &School, key: &str, id: &str, last: &str) -> Response {
        let request = school.desk.server.request(Method::GET, &format!("/api/v1/models/{id}/events"));
        let request = request.bearer_auth(key).header("accept-encoding", "gzip, br");
        let request = if last.is_empty() { request } else { request.header("last-event-id", last) };
        request.timeout(Duration::from_mins(2)).send().await.unwrap()
    }

    /// The next model; nothing at the end.
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
                // What keeps the connection alive.
                assert!(event.starts_with(':'), "{event}");
            }
            let chunk = self.response.chunk().await.ok()??;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The id of the first event.
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
async fn they_tell_progress_until_the_training_has_ended_and_then_end() {
    let school = School::open().await;
    let project = school.classes("caps", &[("red", 15), ("blue", 15)]).await;
    let id = school.train(&project, json!({})).await;
    let told = Stream::of(&school, &school.desk.master, &id).await.rest().await;
    let last = told.last().unwrap();
    assert_eq!(last["status"], "ready", "{last}");
    assert_eq!(last, &school.model(&id).await);
    let percents: Vec<f64> = told.iter().filter_map(|model| model["progress"]["percent"].as_f64()).collect();
    assert!(percents.len() >= 2 && percents.is_sorted(), "{percents:?}");
    let features = told.iter().find(|model| model["progress"]["phase"] == "features").unwrap();
    assert_eq!(features["progress"]["total"], 30, "{features}");
    let seen = told.iter().any(|model| model["progress"]["imagesPerSecond"].as_f64() > Some(0.0));
    assert!(seen, "{told:?}");
    // Of one that has ended there is one event.
    assert_eq!(Stream::of(&school, &school.desk.master, &id).await.rest().await.len(), 1);
}

#[tokio::test]
async fn a_client_that_connects_again_is_sent_what_is_new_and_stops_at_the_end() {
    let school = School::without_workers().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let id = school.train(&project, json!({})).await;
    let key = &school.desk.master;
    let mut stream = Stream::of(&school, key, &id).await;
    assert_eq!(stream.next().await.unwrap()["status"], "queued");
    let (queued, again) = (stream.last, Stream::of(&school, key, &id).await.first().await);
    assert_eq!(again, queued, "the same state has the same id");
    // What it has received is not sent again: the next event is the end.
    let response = Stream::ask(&school, key, &id, &queued).await;
    school.desk.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok();
    let mut stream = Stream { response, read: String::new(), last: String::new() };
    assert_eq!(stream.next().await.unwrap()["status"], "cancelled");
    let end = stream.last.clone();
    assert_eq!(stream.next().await, None);
    assert_eq!(Stream::ask(&school, key, &id, &end).await.status(), 204);
    // A client that missed the end is sent it.
    let response = Stream::ask(&school, key, &id, &queued).await;
    let told = Stream { response, read: String::new(), last: String::new() }.rest().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["status"], "cancelled");
}

#[tokio::test]
async fn a_key_that_is_deleted_ends_its_streams_within_two_seconds() {
    let school = School::without_workers().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let id = school.train(&project, json!({})).await;
    let key = school.desk.key(&["project"]).await;
    let mut stream = Stream::of(&school, &key.secret, &id).await;
    let mut other = Stream::of(&school, &school.desk.master, &id).await;
    assert_eq!(stream.next().await.unwrap()["status"], "queued");
    assert_eq!(other.next().await.unwrap()["status"], "queued");
    school.desk.delete(&key.path()).await.ok();
    let deleted = Instant::now();
    assert_eq!(stream.next().await, None);
    assert!(deleted.elapsed() < Duration::from_secs(2), "{:?}", deleted.elapsed());
    // The other one goes on.
    school.desk.post(&format!("/api/v1/models/{id}/cancel"), json!({})).await.ok();
    assert_eq!(other.next().await.unwrap()["status"], "cancelled");
    assert_eq!(other.next().await, None);
}

#[tokio::test]
async fn a_deleted_model_ends_them_and_open_ones_do_not_hold_up_a_stop() {
    let mut school = School::without_workers().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let (first, second) = (school.train(&project, json!({})).await, school.train(&project, json!({})).await);
    let mut deleted = Stream::of(&school, &school.desk.master, &first).await;
    let mut open = Stream::of(&school, &school.desk.master, &second).await;
    deleted.next().await.unwrap();
    assert_eq!(text(&open.next().await.unwrap()["id"]), second);
    assert_eq!(school.desk.delete(&format!("/api/v1/models/{first}")).await.status, 204);
    assert_eq!(deleted.next().await, None);
    let started = Instant::now();
    assert_eq!(school.desk.server.stop().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    until("the stream ends", async || open.next().await.is_none().then_some(())).await;
}
