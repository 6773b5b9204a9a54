//! The entry point of connections: the router, and a fast path for the check that proxies send for each of their requests.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use http::request::Parts;
use http::{Method, StatusCode, header};
use http_body::Body as HttpBody;
use keyrack_guard::ClientAddress;
use tokio::time::timeout;
use tower::{Service, service_fn};
use tracing::Instrument;

use crate::api;
use crate::app::Shared;
use crate::http::api_path::ApiPaths;
use crate::http::ask_path::{self, ASK};
use crate::http::cors::{NO_STORE, PageAccess};
use crate::http::exchange::Exchange;
use crate::http::router::{self, A_YEAR, Routes};
use crate::http::{address, allowance, compression, cors, spelling};

/// The service of all public routes.
#[derive(Clone)]
pub struct Front {
    app: Shared,
    routes: Routes,
    paths: ApiPaths,
    /// The peer's address if the connection came over a network.
    peer: Option<IpAddr>,
}

impl Front {
    /// Creates the service of `app`.
    pub fn of(app: &Shared) -> Self {
        let paths = ApiPaths::new(&api::routes(Arc::clone(&app.guard)));
        Self { app: app.clone(), routes: router::routes(app), paths, peer: None }
    }

    /// Returns a service that creates a [`Front`] for each connection, with the address of its peer.
    pub fn for_connections(
        self,
    ) -> impl Service<
        SocketAddr,
        Response = Self,
        Error = Infallible,
        Future = Ready<Result<Self, Infallible>>,
    > + Clone {
        service_fn(move |peer: SocketAddr| ready(Ok(Self { peer: Some(peer.ip()), ..self.clone() })))
    }
}

type Answer = Result<Response, Infallible>;

impl<B> Service<http::Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Answer>, BoxFuture<'static, Answer>>;

    // Routers are always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let trusted = &self.app.config.trusted_proxies;
        let address = self.peer.map(|peer| address::of_client(peer, request.headers(), trusted));
        spelling::settle(&mut request);
        self.paths.add_prefix(&mut request);
        ask_path::settle(&mut request);
        if !is_bare_question(&request) {
            if let Some(address) = address {
                request.extensions_mut().insert(address);
            }
            return Either::Right(Box::pin(self.route(request.map(Body::new))));
        }
        let address = address.and_then(ClientAddress::known);
        match ask(&self.app, address, request.into_parts().0) {
            Either::Left(answer) => Either::Left(ready(Ok(open(answer)))),
            Either::Right(answer) => Either::Right(Box::pin(answer.map(|answer| Ok(open(answer))))),
        }
    }
}

impl Front {
    /// Passes a request to its route, and completes the response with what depends on no route.
    fn route(&mut self, mut request: Request) -> impl Future<Output = Answer> + use<> {
        compression::settle(&mut request);
        let access = PageAccess::of(&request);
        // Responses to proxies do not have the header, because proxies would forward it as their own.
        let only_https = self.app.config.is_https() && !request.uri().path().starts_with(ASK);
        let routed = self.routes.call(request);
        async move {
            let mut response = access.apply(routed.await?.map(Body::new));
            if only_https {
                response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, A_YEAR);
            }
            Ok(response)
        }
    }
}

/// Returns whether the request is a proxy's check that needs nothing from the router.
fn is_bare_question<B: HttpBody>(request: &http::Request<B>) -> bool {
    *request.method() == Method::GET && request.uri().path() == ASK && request.body().is_end_stream()
}

/// Makes the same decision as the route of the check. Routing and limits for an absent body would cost several times as
/// much as the decision.
fn ask(
    app: &Shared,
    address: Option<IpAddr>,
    mut question: Parts,
) -> Either<Response, BoxFuture<'static, Response>> {
    let exchange = match Exchange::begin(app, Some(ASK), address, &mut question) {
        Ok(exchange) => exchange,
        Err(answer) => return Either::Left(*answer),
    };
    // A decision in memory logs nothing, and needs no span.
    match catch_unwind(AssertUnwindSafe(|| api::decide_in_memory(app, address, question))) {
        Ok(Either::Left(answer)) => Either::Left(exchange.end(app, answer)),
        Ok(Either::Right(answer)) => Either::Right(Box::pin(wait(app.clone(), exchange, answer))),
        Err(_) => {
            let answer = exchange.panicked();
            Either::Left(exchange.end(app, answer))
        }
    }
}

async fn wait(app: Shared, exchange: Exchange<'static>, answer: BoxFuture<'static, Response>) -> Response {
    let timed_out = |_| StatusCode::SERVICE_UNAVAILABLE.into_response();
    let answer = timeout(allowance::SMALL.answer, answer).map(|answer| answer.unwrap_or_else(timed_out));
    let answer = AssertUnwindSafe(answer).catch_unwind().instrument(exchange.span()).await;
    let answer = answer.unwrap_or_else(|_| exchange.panicked());
    exchange.end(&app, answer)
}

/// Adds the headers of API responses. Proxies forward a denial, and a page may read that denial. Proxies do not forward an
/// allowed response.
fn open(mut answer: Response) -> Response {
    if !answer.status().is_success() {
        return cors::open(answer);
    }
    answer.headers_mut().entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    answer
}
