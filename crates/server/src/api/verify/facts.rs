//! Facts about the request for which a key is verified, and which callers may state them.
//!
//! Every holder of a key can verify it. So the server only accepts facts about another client's request (its address, origin,
//! project, and model) from a trusted service. For other callers, the verification itself is the request: the server checks,
//! counts, and records its own connection and `Origin` header.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use keyrack_guard::{ClientAddress, Credential, DeniedCheck, KeyLocation, Problem};
use keyrack_key::{Denial, DenialReason, Exposure, KeyId, Permission, Presented, WorkspaceId};

use super::StatedFacts;
use crate::api::{ApiError, ControlSocket};
use crate::app::App;
use crate::http::denials::CheckSubject;
use crate::http::error::{DenialCause, DeniedRequest};

/// The header with the key of a trusted service.
const SERVICE_KEY: HeaderName = HeaderName::from_static("x-keyrack-service-key");

/// The caller of `POST /verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requester {
    /// A service that may state facts about the requests of its clients.
    TrustedService,
    /// The holder of the key, without other credentials.
    Holder,
}

/// The facts that the server checks and records.
pub(super) struct Facts<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) origin: Option<&'a str>,
    pub(super) exposure: Exposure,
}

impl Requester {
    /// A caller is a trusted service if it sends a key of `workspace` with the scope Node, or uses the control socket. Errors if
    /// the service key is denied. The check of the service key counts as usage of that key.
    pub(super) fn of(app: &App, parts: &Parts, workspace: Option<WorkspaceId>) -> Result<Self, ApiError> {
        if parts.extensions.get::<ControlSocket>().is_some() {
            return Ok(Self::TrustedService);
        }
        let mut sent = parts.headers.get_all(SERVICE_KEY).iter();
        match (sent.next(), sent.next()) {
            (None, _) => Ok(Self::Holder),
            (Some(key), None) => {
                check(app, parts, workspace, key).map_err(|check| denied(app, &check))?;
                Ok(Self::TrustedService)
            }
            (Some(_), Some(_)) => Err(denied(app, &Denial::Ambiguous.into())),
        }
    }
}

fn check(
    app: &App,
    parts: &Parts,
    workspace: Option<WorkspaceId>,
    key: &HeaderValue,
) -> Result<(), DeniedCheck> {
    let credential = Credential::of_header(key);
    // The key is parsed before the workspace, so that a made-up key can't find out which workspaces exist.
    Presented::parse(credential.text(), &app.config.brands).map_err(Denial::from)?;
    let workspace = workspace.ok_or(Denial::Unknown)?;
    app.guard.check_credential(&credential, workspace, parts, Some(Permission::KeysFollow)).map(drop)
}

/// The denial of a service key has its own code, so that a service doesn't mistake it for the denial of its client's key.
fn denied(app: &App, check: &DeniedCheck) -> ApiError {
    let cause = app.guard.problem(check);
    let status = match cause.status() {
        status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => status,
        _ => StatusCode::FORBIDDEN,
    };
    let message = format!(
        "The key in X-Keyrack-Service-Key was denied: {} Send a key of this workspace with the Node scope, \
         or leave the header out.",
        cause.message()
    );
    let mut problem =
        Problem::new(status, "service_key_denied", message).with("service_key_code", cause.code());
    for name in ["key", "manage_url"] {
        if let Some(value) = cause.member(name) {
            problem = problem.with(name, value.clone());
        }
    }
    if let Some(wait) = cause.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()) {
        problem = problem.header(header::RETRY_AFTER, wait);
    }
    DeniedRequest { problem, cause: DenialCause::Check { check: check.clone(), subject: None } }.into()
}

impl<'a> Facts<'a> {
    /// Returns the facts that a trusted service states, or the facts of the request to verify itself.
    pub(super) fn of(requester: Requester, app: &App, parts: &'a Parts, stated: &'a StatedFacts) -> Self {
        match requester {
            Requester::TrustedService => {
                let origin = stated.origin.as_deref();
                // A request with an origin comes from a page, and pages of other services aren't pages of this server.
                let exposure = origin.map_or(Exposure::None, |_| Exposure::Browser);
                Self { address: stated.address, origin, exposure }
            }
            Requester::Holder => Self {
                address: ClientAddress::of(parts),
                origin: keyrack_guard::origin(&parts.headers),
                exposure: app.guard.exposure(KeyLocation::Header, parts),
            },
        }
    }

    /// Returns the facts that the explanation of a denial shows.
    pub(super) fn saw(&self, stated: &StatedFacts) -> CheckSubject {
        CheckSubject {
            permission: stated.permission,
            address: self.address,
            origin: self.origin.map(str::to_owned),
        }
    }

    /// Errors if the holder of `key` states another address or origin than its own. With `spend`, also errors if the holder states
    /// a project or a model, because a client could use up the limits of a key that is restricted to others.
    pub(super) fn require_own(&self, stated: &StatedFacts, spend: bool, key: KeyId) -> Result<(), ApiError> {
        let is_own_address =
            stated.address.is_none_or(|address| Some(address.to_canonical()) == self.address);
        let is_own_origin = stated.origin.as_deref().is_none_or(|origin| Some(origin) == self.origin);
        let fields = [
            ("ip", !is_own_address),
            ("origin", !is_own_origin),
            ("project", spend && stated.project.is_some()),
            ("model", spend && stated.model.is_some()),
        ];
        let untrusted: Vec<_> = fields.iter().filter(|(_, is_untrusted)| *is_untrusted).collect();
        if untrusted.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = untrusted.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "The request has {} of another request. Only a trusted service may send that. Leave it out, or \
             also send a key of this workspace with the Node scope in X-Keyrack-Service-Key.",
            names.join(", ")
        );
        let problem = Problem::new(StatusCode::FORBIDDEN, DenialReason::UntrustedFacts.code(), message);
        let problem = names.iter().fold(problem, |problem, name| {
            problem.field(name, "Only a trusted service may send this field.")
        });
        let problem = problem.with("key", key.to_string());
        Err(DeniedRequest { problem, cause: DenialCause::UntrustedFacts(key) }.into())
    }
}
