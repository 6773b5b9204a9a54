//! What an operator watches, in the OpenMetrics text format.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use keyrack_guard::Refusal;
use keyrack_key::Denial;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::app::{App, Shared};
use crate::ops::OpError;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    path: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Predicted {
    task: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Holding {
    purpose: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Decided {
    decision: &'static str,
}

/// All counters of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    decisions: Family<Decided, Counter>,
    keys: Gauge,
    revision: Gauge,
    uses_dropped: Gauge,
    predictions: Family<Predicted, Counter>,
    busy: Counter,
    waiting: Gauge,
    held: Family<Holding, Gauge>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keyrack");
        let requests = Family::default();
        registry.register("requests", "Requests answered, by route and status", requests.clone());
        let decisions = Family::default();
        registry.register(
            "decisions",
            "Decisions about keys: allowed, or the reason of the refusal",
            decisions.clone(),
        );
        let keys = Gauge::default();
        registry.register(
            "rack_keys",
            "Keys in memory, deleted ones of the last 30 days included",
            keys.clone(),
        );
        let revision = Gauge::default();
        registry.register("rack_revision", "The last change that the rack has applied", revision.clone());
        let uses_dropped = Gauge::default();
        registry.register("uses_dropped", "Uses of keys that were not remembered", uses_dropped.clone());
        let predictions = Family::default();
        registry.register("predictions", "Pictures that a model has looked at, by task", predictions.clone());
        let busy = Counter::default();
        registry.register(
            "predictions_busy",
            "Pictures sent away because too many were waiting",
            busy.clone(),
        );
        let waiting = Gauge::default();
        registry.register("predictions_waiting", "Pictures that wait for their turn", waiting.clone());
        let held = Family::default();
        registry.register_with_unit(
            "pictures_held",
            "Bytes of pictures in memory that were not yet looked at, by what they are for",
            Unit::Bytes,
            held.clone(),
        );
        Self { registry, requests, decisions, keys, revision, uses_dropped, predictions, busy, waiting, held }
    }

    /// Counts a refusal that was not the guard's.
    pub fn refused(&self, denial: Denial) {
        self.decided(denial.code());
    }

    /// Counts a request that the guard let through.
    pub fn allowed(&self) {
        self.decided("allowed");
    }

    /// Counts an answer of a model, or that there was no turn for it.
    pub fn predicted<T>(&self, task: &'static str, answer: Result<T, OpError>) -> Result<T, OpError> {
        match &answer {
            Ok(_) => {
                self.predictions.get_or_create(&Predicted { task }).inc();
            }
            Err(OpError::Busy) => self.busy(),
            Err(_) => {}
        }
        answer
    }

    /// Counts a picture for which there was no room or no turn.
    pub fn busy(&self) {
        self.busy.inc();
    }

    fn decided(&self, decision: &'static str) {
        self.decisions.get_or_create(&Decided { decision }).inc();
    }

    /// The text that a collector reads.
    pub fn render(&self, app: &App) -> String {
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.keys.set(gauge(app.rack.len() as u64));
        self.revision.set(gauge(app.rack.position().revision.0));
        self.uses_dropped.set(gauge(app.rack.uses().dropped()));
        self.waiting.set(gauge(app.predictions.waiting() as u64));
        for (purpose, room) in [("datasets", app.datasets.room()), ("predictions", app.predictions.room())] {
            self.held.get_or_create(&Holding { purpose }).set(gauge(room.held() as u64));
        }
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Counts each request by its route: the path as registered, never as sent.
pub async fn count(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let method = known(request.method());
    let path = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    if let Some(refusal) = response.extensions().get::<Refusal>() {
        app.metrics.refused(refusal.denial);
    }
    let status = response.status().as_u16();
    app.metrics.requests.get_or_create(&Answered { method, path, status }).inc();
    response
}

/// Clients may invent methods; a label for each of them would fill the memory.
pub fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
