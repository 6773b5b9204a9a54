//! The layer, the service around another one, and its future.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{HeaderValue, Request, Response, header, request};
use keyrack_key::{Brands, Denial, Exposure, Permission, Presented, Question, Spend, WorkspaceId};
use keyrack_rack::{Call, Caller, Callers, Clock, LastUse, Outcome, Rack, Refusal};
use tower_layer::Layer;
use tower_service::Service;

use crate::home::Home;
use crate::limits::{self, Admitted};
use crate::{Credential, Place, Problem};

/// Where a request comes from. The code in front of the guard, which knows which proxies to trust, puts it into the
/// request's extensions. Without it the guard takes the address as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddress {
    /// The address of the client.
    Known(IpAddr),
    /// A trusted proxy did not state an address that can be read. A key that is restricted to networks denies such a
    /// request, and per-visitor rates count all of them as one visitor.
    Unknown,
}

impl ClientAddress {
    /// The address of a request's client; `None` if it is unknown.
    pub fn of(request: &request::Parts) -> Option<IpAddr> {
        request.extensions.get::<Self>().and_then(|address| address.known())
    }

    /// The address; `None` if it is unknown.
    pub const fn known(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) => Some(address),
            Self::Unknown => None,
        }
    }
}

/// What a request that was refused had asked for. It stands beside the [`Refusal`] in the answer's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Asked(pub Option<Permission>);

/// All that deciding about requests needs.
#[derive(Clone, Debug)]
pub struct Guard {
    rack: Arc<Rack>,
    brands: Brands,
    clock: Clock,
    manage: Option<String>,
    home: Home,
    callers: Option<Arc<Callers>>,
}

impl Guard {
    /// Decides by `rack`, about secrets of `brands`. Until [`Self::at_home`] names them, no page is the service's own: a key
    /// that holds more than Inference is denied from every page.
    pub const fn new(rack: Arc<Rack>, brands: Brands, clock: Clock) -> Self {
        Self { rack, brands, clock, manage: None, home: Home::nowhere(), callers: None }
    }

    /// Names the address under which a key is changed; the key's id is appended to it.
    #[must_use]
    pub fn manage_at(mut self, base: String) -> Self {
        self.manage = Some(base);
        self
    }

    /// Names the service's own pages, which may send any key.
    #[must_use]
    pub fn at_home(mut self, home: Home) -> Self {
        self.home = home;
        self
    }

    /// Notes who calls in `callers`, from where somebody takes it now and then.
    #[must_use]
    pub fn noting(mut self, callers: Arc<Callers>) -> Self {
        self.callers = Some(callers);
        self
    }

    /// The service's own pages.
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// Whether a browser sent this from a page that is not the service's own.
    pub fn is_from_elsewhere(&self, request: &request::Parts) -> bool {
        self.home.is_left_by(request)
    }

    /// Where a key that stood in `place` of a request can be read by others.
    pub fn exposure(&self, place: Place, request: &request::Parts) -> Exposure {
        match place {
            Place::Query => Exposure::Url,
            Place::Header if self.is_from_elsewhere(request) => Exposure::Browser,
            Place::Header => Exposure::None,
        }
    }

    /// Decides about the key of a request, takes one from its rates, and notes its use and who called. No allocation, no
    /// waiting.
    pub fn check(&self, request: &request::Parts, permission: Option<Permission>) -> Result<Caller, Refusal> {
        self.decide(None, ClientAddress::of(request), request, permission, Spend::One)
    }

    /// Decides about a key of one workspace, where the keys of others are unknown, in a request whose client is at `address`.
    pub fn check_in(
        &self,
        workspace: WorkspaceId,
        address: Option<IpAddr>,
        request: &request::Parts,
        permission: Option<Permission>,
    ) -> Result<Caller, Refusal> {
        self.decide(Some(workspace), address, request, permission, Spend::One)
    }

    /// Decides about `credential`, which came with a request beside the key that [`Self::check`] finds, and has to belong to
    /// `workspace`. Counts it like any key.
    pub fn check_beside(
        &self,
        credential: &Credential<'_>,
        workspace: WorkspaceId,
        request: &request::Parts,
        permission: Option<Permission>,
    ) -> Result<Caller, Refusal> {
        let address = ClientAddress::of(request);
        self.decide_about(credential, Some(workspace), address, request, permission, Spend::One)
    }

    /// Decides again about a request that was allowed and lasts. It is the same request still, so the key's rates are not
    /// asked.
    pub fn check_again(
        &self,
        request: &request::Parts,
        permission: Option<Permission>,
    ) -> Result<Caller, Refusal> {
        self.decide(None, ClientAddress::of(request), request, permission, Spend::Before)
    }

    fn decide(
        &self,
        workspace: Option<WorkspaceId>,
        address: Option<IpAddr>,
        request: &request::Parts,
        permission: Option<Permission>,
        spend: Spend,
    ) -> Result<Caller, Refusal> {
        let credential = self.find(request)?.ok_or(Denial::Missing)?;
        self.decide_about(&credential, workspace, address, request, permission, spend)
    }

    /// The key of a request, not yet looked up.
    pub fn find<'a>(&self, request: &'a request::Parts) -> Result<Option<Credential<'a>>, Denial> {
        Credential::find(&request.headers, &request.uri, &self.brands)
    }

    fn decide_about(
        &self,
        credential: &Credential<'_>,
        workspace: Option<WorkspaceId>,
        address: Option<IpAddr>,
        request: &request::Parts,
        permission: Option<Permission>,
        spend: Spend,
    ) -> Result<Caller, Refusal> {
        let presented = Presented::parse(credential.text(), &self.brands).map_err(Denial::from)?;
        let now = (self.clock)();
        let origin = request.headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
        let exposure = self.exposure(credential.place(), request);
        let question = Question { now, permission, address, origin, exposure, spend };
        let decided = self.rack.check_in(workspace, &presented, &question);
        let agent = request.headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        self.note_call(&presented, &question, &decided, agent);
        if let Ok(caller) = &decided {
            self.rack.note_use(caller, LastUse::new(now, address, permission, agent));
        }
        decided
    }

    /// Notes who asked with a key that is known, however that was `decided`.
    pub fn note_call(
        &self,
        presented: &Presented<'_>,
        question: &Question<'_>,
        decided: &Result<Caller, Refusal>,
        agent: &[u8],
    ) {
        let origin = question.origin.unwrap_or_default().as_bytes();
        self.rack.note_exposure(presented, question.exposure, origin, question.now);
        let Some(callers) = &self.callers else { return };
        let (key, refused) = match decided {
            Ok(caller) => (caller.key(), None),
            Err(Refusal { denial, key: Some(key) }) => (key, Some(denial.code())),
            Err(Refusal { key: None, .. }) => return,
        };
        callers.note(&Call {
            workspace: key.workspace,
            key: key.key,
            hint: presented.hint(),
            at: question.now,
            address: question.address,
            origin,
            agent,
            exposure: question.exposure,
            outcome: Outcome { permission: question.permission, refused },
        });
    }

    /// What a refused client is told.
    pub fn problem(&self, refusal: &Refusal) -> Problem {
        Problem::of_refusal(refusal, self.manage.as_deref())
    }

    /// The answer to a refused request.
    pub fn answer<B: From<String>>(&self, refusal: Refusal, request: &request::Parts) -> Response<B> {
        let id = request.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        let mut response = self.problem(&refusal).into_response(id);
        // Whoever counts or logs answers finds the reason here.
        response.extensions_mut().insert(refusal);
        response
    }
}

/// Puts a guard around a service: each request needs a key with one permission.
#[derive(Clone, Debug)]
pub struct GuardLayer {
    guard: Arc<Guard>,
    permission: Option<Permission>,
    required: bool,
}

impl GuardLayer {
    /// Lets keys through that hold `permission`.
    pub const fn new(guard: Arc<Guard>, permission: Permission) -> Self {
        Self { guard, permission: Some(permission), required: true }
    }

    /// Lets every living key through, whatever it holds.
    pub const fn any_key(guard: Arc<Guard>) -> Self {
        Self { guard, permission: None, required: true }
    }

    /// Lets requests without any key through as well, with no [`Caller`]: the service inside knows another way to sign in.
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

/// The refusal, or what the service inside is doing.
pub type GuardFuture<F, R, E> = Either<Ready<Result<R, E>>, Admitted<F>>;

/// A service that asks about the key of each request before another service sees it.
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
        // Only the guard says who calls.
        parts.extensions.remove::<Caller>();
        let told = match guard.check(&parts, *permission) {
            Ok(caller) => {
                let told = limits::rates(&caller);
                parts.extensions.insert(caller);
                told
            }
            Err(Refusal { denial: Denial::Missing, .. }) if !required => [None; 2],
            Err(refusal) => {
                let mut answer = guard.answer(refusal, &parts);
                answer.extensions_mut().insert(Asked(*permission));
                return Either::Left(ready(Ok(answer)));
            }
        };
        Either::Right(Admitted::new(self.inner.call(Request::from_parts(parts, body)), told))
    }
}
