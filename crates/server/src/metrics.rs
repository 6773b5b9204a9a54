//! ServerMetrics in the OpenMetrics text format.
//!
//! Names follow the conventions of OpenMetrics: base units (`_bytes`), and `_total` for counters, which the encoder appends.

use std::sync::atomic::Ordering;

use axum::response::Response;
use http::{Method, StatusCode};
use keyrack_core::OpError;
use keyrack_guard::DeniedCheck;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use crate::http::ask_path::{ASK, YES};
use crate::http::listen::ConnectionMetrics;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

impl RequestLabels {
    fn new(method: &Method, route: Option<&str>, status: StatusCode) -> Self {
        let route = route.unwrap_or("unmatched").to_owned();
        Self { method: method_label(method), route, status: status.as_u16() }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PredictionLabels {
    task: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MemoryLabels {
    purpose: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KeyCheckLabels {
    outcome: &'static str,
}

/// All metrics of the server.
#[derive(Debug)]
pub struct ServerMetrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    key_checks: Family<KeyCheckLabels, Counter>,
    /// The member of `requests` for allowed requests of proxies. These are the most frequent requests, so their counter
    /// is looked up only once.
    forward_auth_allowed: Counter,
    /// The member of `key_checks` for allowed requests.
    allowed: Counter,
    rack_keys: Gauge,
    rack_revision: Gauge,
    usage: UsageMetrics,
    predictions: Family<PredictionLabels, Counter>,
    predictions_denied: Counter,
    predictions_waiting: Gauge,
    memory: Family<MemoryLabels, Gauge>,
    disk: DiskMetrics,
    /// The metrics of all listeners.
    pub connections: ConnectionMetrics,
}

/// What the server could not record about the use of keys, and what it deleted.
#[derive(Debug)]
struct UsageMetrics {
    dropped: Counter,
    lost: Counter,
    callers_dropped: Counter,
    denials_dropped: Counter,
    rows_deleted: Counter,
}

#[derive(Debug)]
struct DiskMetrics {
    free: Gauge,
    reserve_file: Gauge,
    writes_denied: Counter,
}

impl ServerMetrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keyrack");
        let all = &mut registry;
        let connections = ConnectionMetrics::default();
        connections.register(all);
        let requests: Family<RequestLabels, Counter> =
            register(all, "http_requests", "HTTP requests, by method, route, and status of the response");
        let key_checks: Family<KeyCheckLabels, Counter> =
            register(all, "key_checks", "Checks of keys, by outcome: allowed, or the code of the denial");
        Self {
            forward_auth_allowed: requests.get_or_create_owned(&RequestLabels::new(
                &Method::GET,
                Some(ASK),
                YES,
            )),
            allowed: key_checks.get_or_create_owned(&KeyCheckLabels { outcome: "allowed" }),
            requests,
            key_checks,
            rack_keys: register(
                all,
                "rack_keys",
                "Keys in memory, including keys that were deleted in the last 30 days",
            ),
            rack_revision: register(all, "rack_revision", "Number of the last change of keys in memory"),
            usage: UsageMetrics::register(all),
            predictions: register(all, "predictions", "Completed predictions, by task"),
            predictions_denied: register(
                all,
                "predictions_denied",
                "Predictions that were denied because too many were waiting",
            ),
            predictions_waiting: register(all, "predictions_waiting", "Predictions that are waiting to run"),
            memory: register(
                all,
                "memory_bytes",
                "Memory of requests that are waiting, and of responses that are being sent, by purpose",
            ),
            disk: DiskMetrics::register(all),
            connections,
            registry,
        }
    }

    /// Counts a request, and its denial if a key was denied. `route` is the registered path: the number of paths that clients can
    /// send is unlimited, and so would be the number of counters.
    pub fn answered(&self, method: &Method, route: Option<&str>, response: &Response) {
        if let Some(refusal) = response.extensions().get::<DeniedCheck>() {
            let outcome = refusal.denial.code();
            self.key_checks.get_or_create(&KeyCheckLabels { outcome }).inc();
        }
        if (method, route, response.status()) == (&Method::GET, Some(ASK), YES) {
            self.forward_auth_allowed.inc();
        } else {
            self.requests.get_or_create(&RequestLabels::new(method, route, response.status())).inc();
        }
    }

    /// Counts a request that the guard has allowed.
    pub fn allowed(&self) {
        self.allowed.inc();
    }

    /// Counts a completed prediction, or a prediction that was denied because too many were waiting. Returns `result`.
    pub fn predicted<T>(&self, task: &'static str, result: Result<T, OpError>) -> Result<T, OpError> {
        match &result {
            Ok(_) => {
                self.predictions.get_or_create(&PredictionLabels { task }).inc();
            }
            Err(error) if error.is_busy() => self.busy(),
            Err(_) => {}
        }
        result
    }

    /// Counts a prediction that was denied because the memory budget or the queue was full.
    pub fn busy(&self) {
        self.predictions_denied.inc();
    }

    /// Counts checks of keys whose usage could not be written to the database.
    pub fn uses_lost(&self, checks: u64) {
        self.usage.lost.inc_by(checks);
    }

    /// Counts rows that were deleted at the end of their retention.
    pub fn forgotten(&self, rows: u64) {
        self.usage.rows_deleted.inc_by(rows);
    }

    /// Encodes all metrics as OpenMetrics text.
    pub fn render(&self, readings: &Readings) -> String {
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        // These parts of the server keep their own counts, which never decrease.
        let set = |counter: &Counter, total: u64| counter.inner().store(total, Ordering::Relaxed);
        self.rack_keys.set(gauge(readings.rack_keys));
        self.rack_revision.set(gauge(readings.rack_revision));
        set(&self.usage.dropped, readings.usage_dropped);
        set(&self.usage.callers_dropped, readings.callers_dropped);
        set(&self.usage.denials_dropped, readings.denials_dropped);
        self.predictions_waiting.set(gauge(readings.predictions_waiting));
        for (purpose, bytes) in readings.memory {
            self.memory.get_or_create(&MemoryLabels { purpose }).set(gauge(bytes));
        }
        self.disk.free.set(gauge(readings.disk_free));
        self.disk.reserve_file.set(gauge(readings.disk_reserve_file));
        set(&self.disk.writes_denied, readings.disk_writes_denied);
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl UsageMetrics {
    fn register(all: &mut Registry) -> Self {
        Self {
            dropped: register(
                all,
                "usage_dropped",
                "Checks of keys whose usage was not counted because too many keys were in use",
            ),
            lost: register(
                all,
                "usage_lost",
                "Checks of keys whose usage was counted but could not be written to the database",
            ),
            callers_dropped: register(
                all,
                "callers_dropped",
                "Requests whose caller was not recorded because of too many callers or a failed write",
            ),
            denials_dropped: register(
                all,
                "denials_dropped",
                "Denied requests that were not recorded because of too many denials or a failed write",
            ),
            rows_deleted: register(
                all,
                "usage_rows_deleted",
                "Rows of usage, callers, and denials that were deleted at the end of their retention",
            ),
        }
    }
}

impl DiskMetrics {
    fn register(all: &mut Registry) -> Self {
        Self {
            free: register(
                all,
                "disk_free_bytes",
                "Free disk space for the data folder, without the reserve file",
            ),
            reserve_file: register(
                all,
                "disk_reserve_file_bytes",
                "Size of the file that reserves disk space for deleting and pausing keys",
            ),
            writes_denied: register(
                all,
                "disk_writes_denied",
                "Writes of new data that were denied because the disk was nearly full",
            ),
        }
    }
}

/// The counts that other parts of the server keep.
#[derive(Clone, Copy, Debug)]
pub struct Readings {
    pub rack_keys: u64,
    pub rack_revision: u64,
    pub usage_dropped: u64,
    pub callers_dropped: u64,
    pub denials_dropped: u64,
    pub predictions_waiting: u64,
    /// Bytes in memory, by purpose.
    pub memory: [(&'static str, u64); 5],
    /// In bytes, as is the reserve file.
    pub disk_free: u64,
    pub disk_reserve_file: u64,
    pub disk_writes_denied: u64,
}

/// Creates and registers a metric. `help` has no period at its end: the encoder appends one.
fn register<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// Returns the label of a method. Clients can invent methods, and a label for each would use unlimited memory.
pub fn method_label(method: &Method) -> &'static str {
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
