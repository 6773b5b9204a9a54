//! The router of all public routes: the API, the pages, and the middleware of both.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use http::{HeaderValue, header};
use tower::{Layer, ServiceBuilder};
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::app::Shared;
use crate::http::api_path::PREFIX;
use crate::http::ask_path::ASK;
use crate::http::{allowance, compression, cors, exchange};
use crate::{api, web};

/// The longest pause within a request body.
const BODY_PAUSE: Duration = Duration::from_secs(10);
/// How long browsers may use only HTTPS.
pub const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Returns the routes of the pages and the API. Paths may end with a slash.
pub fn routes(app: &Shared) -> Router {
    // Paths outside the only version of the API.
    let other_versions = Router::new().fallback(api::no_such_path);
    let api = Router::new().nest(PREFIX, api_routes(app)).nest("/api", other_versions);
    let routes = api.merge(page_routes(app));
    let edge = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), exchange::around))
        .layer(DefaultBodyLimit::max(allowance::SMALL.bytes))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE));
    let routes = routes.layer(edge).with_state(app.clone());
    // Wraps the router, because a router matches paths before its layers run.
    let routes = NormalizePathLayer::trim_trailing_slash().layer(routes);
    // The router adds the `Allow` header outside its own layers.
    let routes = Router::new().fallback_service(routes).layer(from_fn(cors::open_api));
    let routes =
        routes.layer(ServiceBuilder::new().map_request(compression::settle).layer(compression::layer()));
    if app.config.is_https() { routes.layer(from_fn(stay_on_https)) } else { routes }
}

/// Makes browsers use only HTTPS (RFC 6797). Skips responses to proxies, which would forward the header as their own.
async fn stay_on_https(request: Request, next: Next) -> Response {
    let is_proxy = request.uri().path().starts_with(ASK);
    let mut answer = next.run(request).await;
    if !is_proxy {
        answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
    answer
}

fn api_routes(app: &Shared) -> Router<Shared> {
    api::router(Arc::clone(&app.guard))
        .fallback(api::no_such_path)
        .layer(set(header::CACHE_CONTROL, "no-store"))
}

fn page_routes(app: &Shared) -> Router<Shared> {
    web::router(app)
        .layer(from_fn_with_state(app.clone(), web::protect::pages))
        .fallback(web::error::unknown_path)
        .layer(set(header::CONTENT_SECURITY_POLICY, web::CONTENT_SECURITY_POLICY))
        // A stricter policy makes forms post `Origin: null`.
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(header::X_FRAME_OPTIONS, "DENY"))
}

fn set(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
