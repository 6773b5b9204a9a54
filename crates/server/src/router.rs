//! One router for everything that a client can reach: the API, the pages, and what stands in front of both.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tower::{Layer, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::app::Shared;
use crate::edge::{address, allowance, ask_path, cors, host, linger, log, refusals, request_id};
use crate::{api, metrics, web};

/// A body that stands still for so long is given up.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// The pages and the API, with or without a last slash in their paths.
pub fn service(app: &Shared) -> Router {
    let routes = Router::new().nest("/api/v1", api_routes(app)).merge(page_routes(app));
    let trusted: Arc<[_]> = app.config.trusted_proxies.clone().into();
    // Three layers and not one for each: the router boxes every layer of every route, and copies the boxes with each request.
    let accounts = ServiceBuilder::new()
        .layer(DefaultBodyLimit::max(allowance::SMALL.bytes))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(from_fn_with_state(Arc::clone(app), refusals::keep))
        .layer(from_fn_with_state(Arc::clone(app), metrics::count));
    let outside = ServiceBuilder::new()
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(map_request(linger::over_body))
        .layer(map_request(request_id::forget))
        .layer(SetRequestIdLayer::new(request_id::HEADER, request_id::RandomId))
        .layer(PropagateRequestIdLayer::new(request_id::HEADER))
        .layer(from_fn_with_state(trusted, address::find))
        .layer(from_fn(log::requests))
        .layer(from_fn(api::finish))
        .layer(map_request(host::settle));
    let edge = routes
        .layer(accounts)
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(outside)
        .with_state(Arc::clone(app));
    // Around the router, not inside: paths are matched before a layer of the router sees them.
    let routes = NormalizePathLayer::trim_trailing_slash().layer(map_request(asked).layer(edge));
    // The router names the methods of a path on its way out, behind its own layers.
    Router::new().fallback_service(routes).layer(from_fn(cors::open_api))
}

async fn asked(request: Request) -> Request {
    ask_path::settle(request)
}

fn api_routes(app: &Shared) -> Router<Shared> {
    api::router(Arc::clone(&app.guard))
        .fallback(api::no_such_path)
        .layer(set(header::CACHE_CONTROL, "no-store"))
}

fn page_routes(app: &Shared) -> Router<Shared> {
    web::router(app)
        .layer(from_fn_with_state(Arc::clone(app), web::protect::pages))
        .layer(set(header::CONTENT_SECURITY_POLICY, web::CONTENT_SECURITY_POLICY))
        // Stricter makes forms post `Origin: null`.
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(header::X_FRAME_OPTIONS, "DENY"))
}

fn set(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// What panicked is in the log already; the client learns that it was our fault.
fn after_panic(_: Box<dyn Any + Send>) -> Response {
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
