//! The router of all public routes: the API, the pages, and the middleware of both.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use http::{HeaderValue, header};
use tower::{Layer, ServiceBuilder};
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::Shared;
use crate::http::api_path::PREFIX;
use crate::http::compression::Compressed;
use crate::http::{allowance, compression, exchange};
use crate::{api, web};

/// How long browsers may use only HTTPS (RFC 6797).
pub const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The routes with what surrounds all of them, in one type: a further [`Router`] would box each of these layers for each request.
pub type Routes = Compressed<NormalizePath<Router>>;

/// Returns the routes of the pages and the API. Paths may end with a slash.
pub fn routes(app: &Shared) -> Routes {
    // Paths outside the only version of the API.
    let other_versions = Router::new().fallback(api::no_such_path);
    let api = Router::new().nest(PREFIX, api_routes(app)).nest("/api", other_versions);
    let routes = api.merge(page_routes(app));
    let edge = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), exchange::around))
        .layer(DefaultBodyLimit::max(allowance::SMALL.bytes));
    let routes = routes.layer(edge).with_state(app.clone());
    // Wraps the router, because a router matches paths before its layers run.
    compression::layer().layer(NormalizePathLayer::trim_trailing_slash().layer(routes))
}

fn api_routes(app: &Shared) -> Router<Shared> {
    api::router(Arc::clone(&app.guard)).fallback(api::no_such_path)
}

fn page_routes(app: &Shared) -> Router<Shared> {
    web::router(app)
        .layer(from_fn_with_state(app.clone(), web::protect::pages))
        .fallback(web::error::page::unknown_path)
        .layer(set(header::CONTENT_SECURITY_POLICY, web::CONTENT_SECURITY_POLICY))
        // A stricter policy makes forms post `Origin: null`.
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(header::X_FRAME_OPTIONS, "DENY"))
}

fn set(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
