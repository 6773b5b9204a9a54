//! What lies between a node and its server: it can be cut, and it can tell the node other things than the server said.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{client, until};

/// A proxy in front of a real server.
pub(super) struct Wire {
    pub(super) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    client: Client,
    server: Mutex<String>,
    is_cut: AtomicBool,
    snapshots: AtomicUsize,
    questions: AtomicUsize,
    /// Every answer with changes that came by, oldest first.
    tape: Mutex<Vec<Value>>,
    /// Answers to the next questions for changes, whatever the server would say.
    next: Mutex<VecDeque<Value>>,
    /// Whether the next usage report is answered 422.
    denies_report: AtomicBool,
}

impl Wire {
    pub(super) async fn to(server: &str) -> Self {
        let shared = Arc::new(Shared {
            client: client(),
            server: Mutex::new(server.to_owned()),
            is_cut: AtomicBool::new(false),
            snapshots: AtomicUsize::new(0),
            questions: AtomicUsize::new(0),
            tape: Mutex::default(),
            next: Mutex::default(),
            denies_report: AtomicBool::new(false),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// From now on nothing comes through; or again.
    pub(super) fn cut(&self, is_cut: bool) {
        self.shared.is_cut.store(is_cut, Ordering::SeqCst);
    }

    /// Leads elsewhere.
    pub(super) fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.shared.server.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn snapshots(&self) -> usize {
        self.shared.snapshots.load(Ordering::SeqCst)
    }

    pub(super) fn tape(&self) -> Vec<Value> {
        self.shared.tape.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says this to the next question for changes.
    pub(super) fn say(&self, answer: Value) {
        self.shared.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer);
    }

    /// Answers the next usage report with 422.
    pub(super) fn deny_next_report(&self) {
        self.shared.denies_report.store(true, Ordering::SeqCst);
    }

    /// Whether the report that was to be denied has come.
    pub(super) fn has_denied_report(&self) -> bool {
        !self.shared.denies_report.load(Ordering::SeqCst)
    }

    /// Waits until all that it was to say has been said, and the node has asked for more.
    pub(super) async fn is_heard(&self) {
        until("it is said", async || {
            self.shared.next.lock().unwrap_or_else(PoisonError::into_inner).is_empty().then_some(())
        })
        .await;
        let asked = self.shared.questions.load(Ordering::SeqCst);
        until("the node asks for more", async || {
            (self.shared.questions.load(Ordering::SeqCst) > asked).then_some(())
        })
        .await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(State(wire): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.ends_with("/snapshot") {
        wire.snapshots.fetch_add(1, Ordering::SeqCst);
    }
    if path.ends_with("/changes") {
        wire.questions.fetch_add(1, Ordering::SeqCst);
        let next = wire.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(answer) = next {
            return ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response();
        }
    }
    if path.ends_with("/usage") && wire.denies_report.swap(false, Ordering::SeqCst) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let answer = wire.forward(request, &path).await;
    // What was on its way when the wire was cut does not arrive either.
    match answer {
        Some(answer) if !wire.is_cut.load(Ordering::SeqCst) => answer,
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Shared {
    async fn forward(&self, request: Request, path: &str) -> Option<Response> {
        if self.is_cut.load(Ordering::SeqCst) {
            return None;
        }
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.ok()?;
        let url = format!("{}{path}", self.server.lock().unwrap_or_else(PoisonError::into_inner));
        let mut headers = parts.headers;
        headers.remove(header::HOST);
        headers.remove(header::CONTENT_LENGTH);
        let answer = self.client.request(parts.method, url).headers(headers).body(body).send().await.ok()?;
        let (status, bytes) = (answer.status(), answer.bytes().await.ok()?);
        self.record(path, &bytes);
        Some((status, Body::from(bytes)).into_response())
    }

    fn record(&self, path: &str, bytes: &Bytes) {
        let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { return };
        if path.ends_with("/changes") && answer["changes"].as_array().is_some_and(|all| !all.is_empty()) {
            self.tape.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        }
    }
}
