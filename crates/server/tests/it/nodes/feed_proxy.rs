//! A proxy between a node and its server. It can drop all responses and inject its own.

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

use crate::harness::{client, wait_until};

/// A proxy in front of a real server.
pub(super) struct FeedProxy {
    pub(super) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    client: Client,
    server: Mutex<String>,
    is_cut: AtomicBool,
    snapshots: AtomicUsize,
    change_requests: AtomicUsize,
    /// All responses with changes that passed, oldest first.
    frames: Mutex<Vec<Value>>,
    /// Responses to the next requests for changes, in place of the server's.
    injected: Mutex<VecDeque<Value>>,
    /// Whether the next usage report gets a 422 response.
    denies_report: AtomicBool,
}

impl FeedProxy {
    pub(super) async fn to(server: &str) -> Self {
        let shared = Arc::new(Shared {
            client: client(),
            server: Mutex::new(server.to_owned()),
            is_cut: AtomicBool::new(false),
            snapshots: AtomicUsize::new(0),
            change_requests: AtomicUsize::new(0),
            frames: Mutex::default(),
            injected: Mutex::default(),
            denies_report: AtomicBool::new(false),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// Drops all traffic, or allows it again.
    pub(super) fn set_cut(&self, is_cut: bool) {
        self.shared.is_cut.store(is_cut, Ordering::SeqCst);
    }

    /// Forwards to another server.
    pub(super) fn redirect_to(&self, server: &str) {
        server.clone_into(&mut self.shared.server.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn snapshots(&self) -> usize {
        self.shared.snapshots.load(Ordering::SeqCst)
    }

    pub(super) fn frames(&self) -> Vec<Value> {
        self.shared.frames.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Responds to the next request for changes with `answer`.
    pub(super) fn inject(&self, answer: Value) {
        self.shared.injected.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer);
    }

    /// Responds to the next usage report with 422.
    pub(super) fn deny_next_report(&self) {
        self.shared.denies_report.store(true, Ordering::SeqCst);
    }

    /// Whether the proxy has denied the report.
    pub(super) fn has_denied_report(&self) -> bool {
        !self.shared.denies_report.load(Ordering::SeqCst)
    }

    /// Waits until all injected responses are sent and the node has requested more changes.
    pub(super) async fn wait_until_delivered(&self) {
        wait_until("the injected responses are sent", async || {
            self.shared.injected.lock().unwrap_or_else(PoisonError::into_inner).is_empty().then_some(())
        })
        .await;
        let before = self.shared.change_requests.load(Ordering::SeqCst);
        wait_until("the node requests more changes", async || {
            (self.shared.change_requests.load(Ordering::SeqCst) > before).then_some(())
        })
        .await;
    }
}

impl Drop for FeedProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(State(proxy): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.ends_with("/snapshot") {
        proxy.snapshots.fetch_add(1, Ordering::SeqCst);
    }
    if path.ends_with("/changes") {
        proxy.change_requests.fetch_add(1, Ordering::SeqCst);
        let next = proxy.injected.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(answer) = next {
            return ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response();
        }
    }
    if path.ends_with("/usage") && proxy.denies_report.swap(false, Ordering::SeqCst) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let answer = proxy.forward(request, &path).await;
    // Responses that were in transit when the proxy was cut are dropped too.
    match answer {
        Some(answer) if !proxy.is_cut.load(Ordering::SeqCst) => answer,
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
            self.frames.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        }
    }
}
