//! The tower layer that checks the key of each request before a service gets the request.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use keyrack_key::{Denial, Permission};
use keyrack_rack::{Caller, DeniedCheck};
use tower_layer::Layer;
use tower_service::Service;

use crate::Guard;
use crate::limits::{self, AllowedFuture};

/// The permission that a denied request required. The response has it in its
/// extensions, next to the [`DeniedCheck`].
#[derive(Clone, Copy, Debug)]
pub struct RequiredPermission(pub Option<Permission>);

/// A layer that allows only requests with a key that has one permission.
#[derive(Clone, Debug)]
pub struct GuardLayer {
    guard: Arc<Guard>,
    permission: Option<Permission>,
    required: bool,
}

impl GuardLayer {
    /// Requires a key with `permission`.
    pub const fn new(guard: Arc<Guard>, permission: Permission) -> Self {
        Self { guard, permission: Some(permission), required: true }
    }

    /// Requires any valid key, whatever its permissions.
    pub const fn any_key(guard: Arc<Guard>) -> Self {
        Self { guard, permission: None, required: true }
    }

    /// Also allows requests without any key. They have no [`Caller`]; the service
    /// authenticates them in another way.
    #[must_use]
    pub const fn or_without_key(mut self) -> Self {
        self.required = false;
        self
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = GuardService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService { inner, layer: self.clone() }
    }
}

/// A denial, or the response of the inner service.
pub type GuardFuture<F, R, E> = Either<Ready<Result<R, E>>, AllowedFuture<F>>;

/// A service that decides about each request before the inner service gets it.
#[derive(Clone, Debug)]
pub struct GuardService<S> {
    inner: S,
    layer: GuardLayer,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for GuardService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<String>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = GuardFuture<S::Future, S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let GuardLayer { guard, permission, required } = &self.layer;
        let (mut parts, body) = request.into_parts();
        // Nothing but the guard may set the caller.
        parts.extensions.remove::<Caller>();
        let state = match guard.check(&parts, *permission) {
            Ok(caller) => {
                let state = limits::rate_limit_states(&caller);
                parts.extensions.insert(caller);
                state
            }
            Err(DeniedCheck { denial: Denial::Missing, .. }) if !required => [None; 2],
            Err(denied) => {
                let mut response = guard.denied_response(denied, &parts);
                response.extensions_mut().insert(RequiredPermission(*permission));
                return Either::Left(ready(Ok(response)));
            }
        };
        Either::Right(AllowedFuture::new(self.inner.call(Request::from_parts(parts, body)), state))
    }
}
