//! The second listener, for operators: health, readiness, and metrics.

use std::net::TcpListener;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};
use keyrack_core::predict::MemoryBudget;

use crate::app::{App, Shared};
use crate::http::listen::{self, ConnectionLimits, Connections};
use crate::http::unread;
use crate::metrics::Readings;

/// Open connections. Monitoring needs few.
const CONNECTIONS: usize = 256;

/// Serves `/healthz`, `/readyz`, and `/metrics` over plain HTTP, until the listener fails.
pub async fn serve(app: Shared, listener: TcpListener) -> std::io::Result<()> {
    let limits = ConnectionLimits { all: CONNECTIONS, per_address: CONNECTIONS, proxies: Vec::new() };
    let connections = Connections::new("ops", limits, app.metrics.connections.clone());
    let unread = Some(unread::answers(&app));
    listen::plain(listener, &connections, unread)?.serve(router(app).into_make_service()).await
}

fn router(app: Shared) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(app)
}

/// The server is ready if the rack is loaded and fresh. A server whose disk is nearly full stays ready, because it still
/// checks keys and orchestrators would stop sending requests to it. The body names what the server denies.
async fn ready(State(app): State<Shared>) -> impl IntoResponse {
    if !app.rack.is_fresh() {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the keys are not loaded\n")
    } else if app.disk.is_low() {
        (
            StatusCode::OK,
            "ready, degraded: the disk is nearly full; images, archives, and training runs are denied\n",
        )
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn metrics(State(app): State<Shared>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.render(&readings(&app)))
}

fn readings(app: &App) -> Readings {
    let in_use = |budget: &MemoryBudget| budget.in_use() as u64;
    Readings {
        rack_keys: app.rack.len() as u64,
        rack_revision: app.rack.position().revision.0,
        usage_dropped: app.rack.dropped_checks(),
        callers_dropped: app.callers.dropped(),
        denials_dropped: app.denials.dropped(),
        predictions_waiting: app.predictions.waiting() as u64,
        memory: [
            ("dataset_images", in_use(app.datasets.memory())),
            ("prediction_images", in_use(app.predictions.memory())),
            ("prediction_responses", in_use(app.predictions.response_memory())),
            ("request_bodies", in_use(&app.lists)),
            ("responses", in_use(&app.responses)),
        ],
        disk_free: app.disk.available(),
        disk_reserve_file: app.disk.reserved(),
        disk_writes_denied: app.disk.denied(),
    }
}
