//! Everything that happens to each request and its response. This is a single middleware, because the router boxes every
//! layer of every route and clones the boxes with each request.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use keyrack_core::shares::Claimant;
use keyrack_guard::ClientAddress;
use keyrack_store::{tenant_and_actor, with_tenant};
use tracing::{Instrument, Span};

use super::denials::RequestFacts;
use super::progress::Progress;
use super::request_id::{self, RequestId};
use super::{encoding, host, log, problem, response_budget};
use crate::app::{App, Shared};

/// Wraps the routes of a router, which know the matched path.
pub async fn around(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let matched = parts.extensions.get::<MatchedPath>().cloned();
    let route = matched.as_ref().map(MatchedPath::as_str);
    let exchange = match Exchange::begin(&app, route, ClientAddress::of(&parts), &mut parts) {
        Ok(exchange) => exchange,
        Err(answer) => return *answer,
    };
    if let Err(problem) = encoding::check(&parts, &body) {
        return exchange.end(&app, problem::carrying(*problem));
    }
    // Replaces the client's request id: the log contains only ids of this server.
    parts.headers.insert(request_id::HEADER, exchange.id.value());
    // The tenant is unknown until the caller is known.
    let address = ClientAddress::of(&parts);
    let inside = with_tenant(None, async {
        let answer = next.run(Request::from_parts(parts, Progress::watch(body))).await;
        let claimant = tenant_and_actor()
            .map_or_else(|| Claimant::network(address), |(workspace, actor)| Claimant::new(workspace, actor));
        response_budget::count(&app.responses, claimant, &exchange.method, answer)
    });
    let answer = AssertUnwindSafe(inside).catch_unwind().instrument(exchange.span()).await;
    let answer = answer.unwrap_or_else(|_| exchange.panicked());
    exchange.end(&app, answer)
}

/// A request that is still in progress.
pub struct Exchange<'a> {
    id: RequestId,
    method: Method,
    route: Option<&'a str>,
    line: log::RequestLogLine,
    facts: Option<RequestFacts<'a>>,
}

impl<'a> Exchange<'a> {
    /// Starts a request: creates its id, and checks its host and size. Fails with a complete response if a check fails.
    /// `route` is the matched path, if any, and `address` is the client's address, if the request came over a network.
    pub fn begin(
        app: &App,
        route: Option<&'a str>,
        address: Option<IpAddr>,
        request: &mut Parts,
    ) -> Result<Self, Box<Response>> {
        let id = RequestId::random();
        let line = log::RequestLogLine::begin(request, address);
        let settled = host::settle(request).and_then(|()| host::check_size(request));
        let facts = route.map(|route| RequestFacts::by(request, route, address));
        let exchange = Self { id, method: request.method.clone(), route, line, facts };
        match settled {
            Ok(()) => Ok(exchange),
            Err(problem) => Err(Box::new(exchange.end(app, problem::carrying(*problem)))),
        }
    }

    /// Starts an exchange for bytes from `address` that are not a request. Metrics count them as a request of an unknown
    /// method and path.
    pub fn of_unread(address: IpAddr) -> Self {
        let method = Method::from_bytes(b"UNREAD").unwrap_or_default();
        Self {
            id: RequestId::random(),
            method,
            route: None,
            line: log::RequestLogLine::of_unread(address),
            facts: None,
        }
    }

    /// Returns the span of all log lines of the request.
    pub fn span(&self) -> Span {
        log::span(&self.id)
    }

    /// Returns the response after a panic: an internal error.
    pub fn panicked(&self) -> Response {
        tracing::error!(id = self.id.as_str(), "a request panicked; see standard error");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }

    /// Counts and logs the response, keeps the reason of a denial, and completes the response.
    pub fn end(self, app: &App, answer: Response) -> Response {
        let Self { id, method, route, line, facts } = self;
        let answer = problem::resolve(answer, &app.guard);
        app.metrics.answered(&method, route, &answer);
        if let Some((claimant, denied)) =
            facts.and_then(|facts| facts.denied_request(&id, &answer, app.clock))
        {
            app.denials.record(claimant, denied);
        }
        line.end(&id, &answer);
        let mut answer = problem::finish(answer, Some(id.as_str()));
        let headers = answer.headers_mut();
        headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        headers.insert(request_id::HEADER, id.value());
        answer
    }
}
