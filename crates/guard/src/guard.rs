//! Decides about the key of a request.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Response, header, request};
use keyrack_key::{AccessRequest, Brands, Denial, Exposure, Permission, Presented, RateUse, WorkspaceId};
use keyrack_rack::{Call, Caller, CallerLog, Clock, DeniedCheck, LastUse, Outcome, Rack};

use crate::origin::origin;
use crate::own_origins::OwnOrigins;
use crate::{Credential, KeyLocation, Problem};

/// The address of a request's client. The code in front of the guard, which knows the trusted proxies, adds
/// it to the extensions of the request. Without it, the guard treats the address as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddress {
    /// The address of the client.
    Known(IpAddr),
    /// A trusted proxy sent no readable address. A key that is restricted to networks denies such a request,
    /// and the rate limit for each visitor counts all of them as one visitor.
    Unknown,
}

impl ClientAddress {
    /// Returns the address of a request's client; `None` if it is unknown.
    pub fn of(request: &request::Parts) -> Option<IpAddr> {
        request.extensions.get::<Self>().and_then(|address| address.known())
    }

    /// Returns the address; `None` if it is unknown.
    pub const fn known(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) => Some(address),
            Self::Unknown => None,
        }
    }
}

/// Decides about requests with the keys of a rack.
#[derive(Clone, Debug)]
pub struct Guard {
    rack: Arc<Rack>,
    brands: Brands,
    clock: Clock,
    manage_url: Option<String>,
    own_origins: OwnOrigins,
    callers: Option<Arc<CallerLog>>,
}

impl Guard {
    /// Creates a guard for the keys of `rack`, with secrets of `brands`. Until [`Self::with_own_origins`] lists own
    /// pages, a key with more permissions than Inference is denied from every page.
    pub const fn new(rack: Arc<Rack>, brands: Brands, clock: Clock) -> Self {
        Self { rack, brands, clock, manage_url: None, own_origins: OwnOrigins::none(), callers: None }
    }

    /// Sets the URL under which a key is edited. The guard appends the id of the key.
    #[must_use]
    pub fn with_manage_url(mut self, base: String) -> Self {
        self.manage_url = Some(base);
        self
    }

    /// Sets the origins of the service's own pages, which may send any key.
    #[must_use]
    pub fn with_own_origins(mut self, own_origins: OwnOrigins) -> Self {
        self.own_origins = own_origins;
        self
    }

    /// Records the callers in `callers`, which another task must drain from time to time.
    #[must_use]
    pub fn with_caller_log(mut self, callers: Arc<CallerLog>) -> Self {
        self.callers = Some(callers);
        self
    }

    /// Returns the origins of the service's own pages.
    pub const fn own_origins(&self) -> &OwnOrigins {
        &self.own_origins
    }

    /// Returns `true` if a page of another origin sent the request.
    pub fn is_cross_origin(&self, request: &request::Parts) -> bool {
        self.own_origins.is_cross_origin(request)
    }

    /// Returns where others can read a key from `location` of this request.
    pub fn exposure(&self, location: KeyLocation, request: &request::Parts) -> Exposure {
        match location {
            KeyLocation::Query => Exposure::Url,
            KeyLocation::Header if self.is_cross_origin(request) => Exposure::Browser,
            KeyLocation::Header => Exposure::None,
        }
    }

    /// Decides about the key of a request. Takes one request from its rate limits, and records the use and
    /// the caller. Allocates nothing and waits for no lock.
    pub fn check(
        &self,
        request: &request::Parts,
        permission: Option<Permission>,
    ) -> Result<Caller, DeniedCheck> {
        self.decide(None, ClientAddress::of(request), request, permission, RateUse::Take)
    }

    /// Like [`Self::check`], for a key of `workspace`. Keys of other workspaces are unknown. `address` is
    /// the address of the client.
    pub fn check_in(
        &self,
        workspace: WorkspaceId,
        address: Option<IpAddr>,
        request: &request::Parts,
        permission: Option<Permission>,
    ) -> Result<Caller, DeniedCheck> {
        self.decide(Some(workspace), address, request, permission, RateUse::Take)
    }

    /// Decides about `credential`, a second key of the request that [`Self::check`] does not find. It must
    /// belong to `workspace`. Its use counts like that of any key.
    pub fn check_credential(
        &self,
        credential: &Credential<'_>,
        workspace: WorkspaceId,
        request: &request::Parts,
        permission: Option<Permission>,
    ) -> Result<Caller, DeniedCheck> {
        let address = ClientAddress::of(request);
        self.decide_about(credential, Some(workspace), address, request, permission, RateUse::Take)
    }

    /// Decides again about a long request that was allowed before. Takes nothing from
    /// the rate limits of the key.
    pub fn check_again(
        &self,
        request: &request::Parts,
        permission: Option<Permission>,
    ) -> Result<Caller, DeniedCheck> {
        self.decide(None, ClientAddress::of(request), request, permission, RateUse::Skip)
    }

    fn decide(
        &self,
        workspace: Option<WorkspaceId>,
        address: Option<IpAddr>,
        request: &request::Parts,
        permission: Option<Permission>,
        spend: RateUse,
    ) -> Result<Caller, DeniedCheck> {
        let credential = self.find(request)?.ok_or(Denial::Missing)?;
        self.decide_about(&credential, workspace, address, request, permission, spend)
    }

    /// Finds the key of a request, without a lookup.
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
        spend: RateUse,
    ) -> Result<Caller, DeniedCheck> {
        let presented = Presented::parse(credential.text(), &self.brands).map_err(Denial::from)?;
        let now = (self.clock)();
        let origin = origin(&request.headers);
        let exposure = self.exposure(credential.location(), request);
        let access = AccessRequest { now, permission, address, origin, exposure, spend };
        let decided = self.rack.check_in(workspace, &presented, &access);
        let agent = request.headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        self.record_call(&presented, &access, &decided, agent);
        if let Ok(caller) = &decided {
            self.rack.record_use(caller, LastUse::new(now, address, permission, agent));
        }
        decided
    }

    /// Records the caller of a request with a known key, whether it was allowed or denied.
    pub fn record_call(
        &self,
        presented: &Presented<'_>,
        access: &AccessRequest<'_>,
        decided: &Result<Caller, DeniedCheck>,
        agent: &[u8],
    ) {
        let origin = access.origin.unwrap_or_default().as_bytes();
        self.rack.record_exposure(presented, access.exposure, origin, access.now);
        let Some(callers) = &self.callers else { return };
        let (key, denied) = match decided {
            Ok(caller) => (caller.key(), None),
            Err(DeniedCheck { denial, key: Some(key) }) => (key, Some(denial.code())),
            Err(DeniedCheck { key: None, .. }) => return,
        };
        callers.record(&Call {
            workspace: key.workspace,
            key: key.key,
            hint: presented.hint(),
            at: access.now,
            address: access.address,
            origin,
            agent,
            exposure: access.exposure,
            outcome: Outcome { permission: access.permission, denied },
        });
    }

    /// Creates the problem that a denied client gets.
    pub fn problem(&self, denied: &DeniedCheck) -> Problem {
        Problem::for_denied(denied, self.manage_url.as_deref())
    }

    /// Creates the response to a denied request.
    pub fn denied_response<B: From<String>>(
        &self,
        denied: DeniedCheck,
        request: &request::Parts,
    ) -> Response<B> {
        let id = request.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        let mut response = self.problem(&denied).into_response(id);
        // For layers that count or log responses.
        response.extensions_mut().insert(denied);
        response
    }
}
