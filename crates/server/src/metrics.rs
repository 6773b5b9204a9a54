//! What an operator watches, in the OpenMetrics text format.

use axum::response::Response;
use http::{Method, StatusCode};
use keyrack_core::OpError;
use keyrack_guard::Refusal;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use crate::app::App;
use crate::edge::ask_path::{ASK, YES};
use crate::listen::ConnectionMetrics;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    path: String,
    status: u16,
}

impl Answered {
    fn of(method: &Method, route: Option<&str>, status: StatusCode) -> Self {
        let path = route.unwrap_or("unmatched").to_owned();
        Self { method: known(method), path, status: status.as_u16() }
    }
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
    /// What is counted of these two when a proxy hears yes, which it asks about each request of its own: looked up once.
    passed: Counter,
    allowed: Counter,
    keys: Gauge,
    revision: Gauge,
    uses_dropped: Gauge,
    uses_lost: Counter,
    callers_dropped: Gauge,
    refusals_dropped: Gauge,
    forgotten: Counter,
    predictions: Family<Predicted, Counter>,
    busy: Counter,
    waiting: Gauge,
    held: Family<Holding, Gauge>,
    disk_free: Gauge,
    disk_reserved: Gauge,
    disk_denied: Gauge,
    /// Of all listeners.
    pub connections: ConnectionMetrics,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keyrack");
        let all = &mut registry;
        let connections = ConnectionMetrics::default();
        connections.register(all);
        let requests: Family<Answered, Counter> =
            told(all, "requests", "Requests answered, by route and status");
        let decisions: Family<Decided, Counter> =
            told(all, "decisions", "Decisions about keys: allowed, or the reason of the refusal");
        Self {
            passed: requests.get_or_create_owned(&Answered::of(&Method::GET, Some(ASK), YES)),
            allowed: decisions.get_or_create_owned(&Decided { decision: "allowed" }),
            requests,
            decisions,
            keys: told(all, "rack_keys", "Keys in memory, deleted ones of the last 30 days included"),
            revision: told(all, "rack_revision", "The last change that the rack has applied"),
            uses_dropped: told(
                all,
                "uses_dropped",
                "Checks that were not counted because too many keys were in use",
            ),
            uses_lost: told(all, "uses_lost", "Checks that were counted and could not be written down"),
            callers_dropped: told(
                all,
                "callers_dropped",
                "Requests whose caller was not noted because too many called at once, or could not be written down",
            ),
            refusals_dropped: told(
                all,
                "refusals_dropped",
                "Refused requests that cannot be explained because there were too many, or could not be written down",
            ),
            forgotten: told(all, "uses_forgotten_rows", "Rows of use, callers and refusals that were over"),
            predictions: told(all, "predictions", "Pictures that a model has looked at, by task"),
            busy: told(all, "predictions_busy", "Pictures sent away because too many were waiting"),
            waiting: told(all, "predictions_waiting", "Pictures that wait for their turn"),
            held: told(
                all,
                "pictures_held_bytes",
                "Bytes of pictures in memory that were not yet looked at, or in answers not yet sent, by what they are for",
            ),
            disk_free: told(
                all,
                "disk_free_bytes",
                "Free space for the data folder, without the reserve file",
            ),
            disk_reserved: told(
                all,
                "disk_reserve_file_bytes",
                "Space that is kept for deleting and pausing keys when the disk is full",
            ),
            disk_denied: told(
                all,
                "disk_denied",
                "Writes of new data denied because the disk was nearly full",
            ),
            connections,
            registry,
        }
    }

    /// Counts a request by its route, which is the path as registered and never as sent, and the refusal if it was one.
    pub fn answered(&self, method: &Method, route: Option<&str>, response: &Response) {
        if let Some(refusal) = response.extensions().get::<Refusal>() {
            self.decided(refusal.denial.code());
        }
        if (method, route, response.status()) == (&Method::GET, Some(ASK), YES) {
            self.passed.inc();
        } else {
            self.requests.get_or_create(&Answered::of(method, route, response.status())).inc();
        }
    }

    /// Counts a request that the guard let through.
    pub fn allowed(&self) {
        self.allowed.inc();
    }

    /// Counts an answer of a model, or that there was no turn for it.
    pub fn predicted<T>(&self, task: &'static str, answer: Result<T, OpError>) -> Result<T, OpError> {
        match &answer {
            Ok(_) => {
                self.predictions.get_or_create(&Predicted { task }).inc();
            }
            Err(error) if error.is_busy() => self.busy(),
            Err(_) => {}
        }
        answer
    }

    /// Counts a picture for which there was no room or no turn.
    pub fn busy(&self) {
        self.busy.inc();
    }

    /// Counts checks of which the store has no record.
    pub fn uses_lost(&self, checks: u64) {
        self.uses_lost.inc_by(checks);
    }

    /// Counts rows that were too old to be kept.
    pub fn forgotten(&self, rows: u64) {
        self.forgotten.inc_by(rows);
    }

    fn decided(&self, decision: &'static str) {
        self.decisions.get_or_create(&Decided { decision }).inc();
    }

    /// The text that a collector reads.
    pub fn render(&self, app: &App) -> String {
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.keys.set(gauge(app.rack.len() as u64));
        self.revision.set(gauge(app.rack.position().revision.0));
        self.uses_dropped.set(gauge(app.rack.uses_dropped()));
        self.callers_dropped.set(gauge(app.callers.dropped()));
        self.refusals_dropped.set(gauge(app.refusals.dropped()));
        self.waiting.set(gauge(app.predictions.waiting() as u64));
        for (purpose, room) in [
            ("datasets", app.datasets.room()),
            ("predictions", app.predictions.room()),
            ("answers", app.predictions.answers()),
            ("lists", &app.lists),
        ] {
            self.held.get_or_create(&Holding { purpose }).set(gauge(room.held() as u64));
        }
        self.disk_free.set(gauge(app.disk.available()));
        self.disk_reserved.set(gauge(app.disk.reserved()));
        self.disk_denied.set(gauge(app.disk.denied()));
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A metric of a name, and the sentence that explains it.
fn told<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
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
