//! The innermost layer of each route. It adds the route's access rule to the request, and denies a body whose announced
//! length exceeds the route's limit before any of the body is read.

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

/// The access rule of a route, and the most bytes that a request body may have.
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

    // The first read of the body sends `100 Continue` to a client that sent `Expect: 100-continue` (RFC 9110, section
    // 10.1.1), so a denial must come before that read.
    fn call(&mut self, mut request: Request) -> Self::Future {
        let most = self.entrance.bytes;
        if announced(request.headers()).is_some_and(|bytes| bytes > most as u64) {
            return Either::Left(ready(Ok(problem::carrying(too_large(most)))));
        }
        request.extensions_mut().insert(self.entrance.access.clone());
        Either::Right(self.inner.call(request))
    }
}

/// Returns the announced length of the body, in bytes. The HTTP library ensures that the body is not longer.
pub fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(most: usize) -> Problem {
    let message = format!("The request body is larger than this path accepts ({most} bytes). Send less.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}
