//! What is done for every request and its answer: one middleware and not one for each concern, because the router boxes
//! every layer of every route and copies the boxes with each request.

use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use tracing::{Instrument, Span};

use super::refusals::Told;
use super::{address, host, linger, log, problem, request_id};
use crate::app::{App, Shared};

/// Around the routes of a router, which know by which path they were found.
pub async fn around(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = linger::over_body(request).into_parts();
    let matched = parts.extensions.get::<MatchedPath>().cloned();
    let route = matched.as_ref().map(MatchedPath::as_str);
    let exchange = match Exchange::begin(&app, route, &mut parts) {
        Ok(exchange) => exchange,
        Err(answer) => return *answer,
    };
    let inside = next.run(Request::from_parts(parts, body));
    let answer = AssertUnwindSafe(inside).catch_unwind().instrument(exchange.span()).await;
    let answer = answer.unwrap_or_else(|_| exchange.panicked());
    exchange.end(&app, answer)
}

/// A request that is not answered yet.
pub struct Exchange<'a> {
    id: HeaderValue,
    method: Method,
    route: Option<&'a str>,
    line: log::Line,
    told: Option<Told<'a>>,
}

impl<'a> Exchange<'a> {
    /// Gives a request its id and its address, and one host; else it is answered already. `route` is the path as
    /// registered, if there is one.
    pub fn begin(app: &App, route: Option<&'a str>, request: &mut Parts) -> Result<Self, Box<Response>> {
        let id = request_id::random();
        // What a client calls its request is forgotten: the name in our log is ours.
        request.headers.insert(request_id::HEADER, id.clone());
        address::find(request, &app.config.trusted_proxies);
        let line = log::Line::begin(request);
        let settled = host::settle(request);
        let told = route.map(|route| Told::by(request, route));
        let exchange = Self { id, method: request.method.clone(), route, line, told };
        match settled {
            Ok(()) => Ok(exchange),
            Err(problem) => Err(Box::new(exchange.end(app, problem::carrying(*problem)))),
        }
    }

    /// What everything is logged in that happens while its answer is waited for.
    pub fn span(&self) -> Span {
        log::span(&self.id)
    }

    /// The answer where there was a panic: the client learns that it was our fault.
    pub fn panicked(&self) -> Response {
        tracing::error!(id = self.id.to_str().ok(), "a request ended in a panic; standard error says where");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }

    /// Counts and logs the answer, and keeps why it was a refusal; then finishes it.
    pub fn end(self, app: &App, answer: Response) -> Response {
        let Self { id, method, route, line, told } = self;
        app.metrics.answered(&method, route, &answer);
        if let Some(refused) = told.and_then(|told| told.refused(&id, &answer, app.now())) {
            app.refusals.note(refused);
        }
        line.end(&id, &answer);
        let mut answer = problem::finish(answer, Some(&id));
        let headers = answer.headers_mut();
        headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        headers.insert(request_id::HEADER, id);
        answer
    }
}
