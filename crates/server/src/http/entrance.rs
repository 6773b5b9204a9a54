//! The innermost layer of each route: it puts in what the route states about access, and refuses a body that is announced to be
//! longer than the route takes, before any of it is read.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use futures_util::future::Either;
use http::{HeaderMap, StatusCode, header};
use keyrack_guard::Problem;
use tower::{Layer, Service};

use super::problem;

/// What a route states: who may call it, and how many bytes its requests may have.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<A> {
    pub access: A,
    pub bytes: usize,
}

impl<S, A: Clone> Layer<S> for Entrance<A> {
    type Service = EntranceService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        EntranceService { inner, entrance: self.clone() }
    }
}

/// A service behind an [`Entrance`].
#[derive(Clone, Debug)]
pub struct EntranceService<S, A> {
    inner: S,
    entrance: Entrance<A>,
}

impl<S, A> Service<Request> for EntranceService<S, A>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    A: Clone + Send + Sync + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    // A client that sent `Expect: 100-continue` is told to go on when the body is first asked for (RFC 9110, section 10.1.1), so
    // that it must be refused before that.
    fn call(&mut self, mut request: Request) -> Self::Future {
        let most = self.entrance.bytes;
        if announced(request.headers()).is_some_and(|bytes| bytes > most as u64) {
            return Either::Left(ready(Ok(problem::carrying(too_large(most)))));
        }
        request.extensions_mut().insert(self.entrance.access.clone());
        Either::Right(self.inner.call(request))
    }
}

/// The length that a body is announced to have, in bytes. The HTTP library lets no body be longer.
pub fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(most: usize) -> Problem {
    let says = format!("The request body is larger than this path accepts ({most} bytes). Send less.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", says)
}
