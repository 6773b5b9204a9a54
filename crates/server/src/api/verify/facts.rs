//! Facts about the request that a question is about, and who may state them.
//!
//! Whoever holds a key can ask about it. So what a question states of somebody else's request (its address, its origin, the
//! project and the model that it wants) counts only if a trusted service states it. Otherwise the question itself is the
//! request: its own connection and its own `Origin` are judged, metered and recorded.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use keyrack_guard::{ClientAddress, Credential, Place, Problem, Refusal};
use keyrack_key::{Denial, Exposure, KeyId, Permission, Presented, WorkspaceId};

use super::Asked;
use crate::api::{ApiError, ControlSocket};
use crate::app::App;
use crate::edge::error::{DenialCause, DeniedRequest};
use crate::edge::refusals::Saw;

/// Where a trusted service sends its own key, beside the key that it asks about.
const SERVICE_KEY: HeaderName = HeaderName::from_static("x-keyrack-service-key");

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A service that may state facts about the requests of its own clients.
    TrustedService,
    /// Whoever holds the key.
    Holder,
}

/// What is known of the request that a key came with.
pub(super) struct Facts<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) origin: Option<&'a str>,
    pub(super) exposure: Exposure,
}

impl Asker {
    /// The asker is a trusted service if it holds a key of `workspace` with the scope Node, or comes through the control
    /// socket. Errors if it sends a key that does not make it one: that key's use counts as any other key's.
    pub(super) fn of(app: &App, parts: &Parts, workspace: Option<WorkspaceId>) -> Result<Self, ApiError> {
        if parts.extensions.get::<ControlSocket>().is_some() {
            return Ok(Self::TrustedService);
        }
        let mut sent = parts.headers.get_all(SERVICE_KEY).iter();
        match (sent.next(), sent.next()) {
            (None, _) => Ok(Self::Holder),
            (Some(key), None) => {
                check(app, parts, workspace, key).map_err(|refusal| denied(app, &refusal))?;
                Ok(Self::TrustedService)
            }
            (Some(_), Some(_)) => Err(denied(app, &Denial::Ambiguous.into())),
        }
    }
}

fn check(app: &App, parts: &Parts, workspace: Option<WorkspaceId>, key: &HeaderValue) -> Result<(), Refusal> {
    let credential = Credential::of_header(key);
    // Before the workspace: a made-up key does not learn which workspaces there are.
    Presented::parse(credential.text(), &app.config.brands).map_err(Denial::from)?;
    let workspace = workspace.ok_or(Denial::Unknown)?;
    app.guard.check_beside(&credential, workspace, parts, Some(Permission::KeysFollow)).map(drop)
}

/// A code of its own, so that a service does not take the denial of its own key for that of its client's.
fn denied(app: &App, refusal: &Refusal) -> ApiError {
    let cause = app.guard.problem(refusal);
    let status = match cause.status() {
        status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => status,
        _ => StatusCode::FORBIDDEN,
    };
    let message = format!(
        "the key in X-Keyrack-Service-Key was denied: {}; send a key of this workspace with the scope Node there, or no such header",
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
    DeniedRequest { problem, cause: DenialCause::Check { refusal: refusal.clone(), saw: None } }.into()
}

impl<'a> Facts<'a> {
    /// Those that a trusted service states, or those of the question itself.
    pub(super) fn of(by: Asker, app: &App, parts: &'a Parts, asked: &'a Asked) -> Self {
        match by {
            Asker::TrustedService => {
                let origin = asked.origin.as_deref();
                // A page sent it, and no page of a service elsewhere is ours.
                let exposure = origin.map_or(Exposure::None, |_| Exposure::Browser);
                Self { address: asked.address, origin, exposure }
            }
            Asker::Holder => Self {
                address: ClientAddress::of(parts),
                origin: parts.headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()),
                exposure: app.guard.exposure(Place::Header, parts),
            },
        }
    }

    /// What an explanation of a refusal shows.
    pub(super) fn saw(&self, asked: &Asked) -> Saw {
        Saw { permission: asked.permission, address: self.address, origin: self.origin.map(str::to_owned) }
    }

    /// Denies a question of a `key`'s holder that states other facts than its own. Which project or model the holder would
    /// use is its own to ask, but nothing is taken on its word.
    pub(super) fn demand_own(&self, asked: &Asked, spend: bool, key: KeyId) -> Result<(), ApiError> {
        let is_own_address = asked.address.is_none_or(|stated| Some(stated.to_canonical()) == self.address);
        let is_own_origin = asked.origin.as_deref().is_none_or(|stated| Some(stated) == self.origin);
        let states = [
            ("ip", !is_own_address),
            ("origin", !is_own_origin),
            ("project", spend && asked.project.is_some()),
            ("model", spend && asked.model.is_some()),
        ];
        let untrusted: Vec<_> = states.iter().filter(|(_, is_untrusted)| *is_untrusted).collect();
        if untrusted.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = untrusted.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "The request states {} of another request. Only a trusted service may do that. Leave it out, or also send a key \
             of this workspace with the scope Node in X-Keyrack-Service-Key.",
            names.join(", ")
        );
        let problem = Problem::new(StatusCode::FORBIDDEN, "untrusted_facts", message);
        let problem = names.iter().fold(problem, |problem, name| {
            problem.field(name, "Only a trusted service may send this field.")
        });
        let problem = problem.with("key", key.to_string());
        Err(DeniedRequest { problem, cause: DenialCause::UntrustedFacts(key) }.into())
    }
}
