//! Keeps what explains a denial, without the query, the body, or the path that the client sent.

use std::net::IpAddr;

use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use keyrack_core::shares::Claimant;
use keyrack_guard::{Clock, DeniedCheck, RequiredPermission};
use keyrack_key::{Denial, KeyId, Permission};
use keyrack_rack::SanitizedText;
use keyrack_store::{Actor, DeniedRequest};

use super::request_id::RequestId;
use crate::metrics;

/// What a check was about, if not about the request itself.
#[derive(Clone, Debug)]
pub struct CheckSubject {
    pub permission: Option<Permission>,
    pub address: Option<IpAddr>,
    pub origin: Option<String>,
}

/// A known key that was denied after its check. Responses carry this value in their extensions.
#[derive(Clone, Copy, Debug)]
pub struct DeniedCaller {
    /// The claimant whose share of the kept denials this denial uses.
    pub claimant: Claimant,
    pub key: KeyId,
    pub code: &'static str,
}

/// What a request states about itself. Copies only what a denial may need.
pub struct RequestFacts<'a> {
    method: &'static str,
    route: &'a str,
    address: Option<IpAddr>,
    origin: Option<HeaderValue>,
    agent: Option<HeaderValue>,
}

impl<'a> RequestFacts<'a> {
    /// Reads a request for `route` from `address`.
    pub fn by(request: &Parts, route: &'a str, address: Option<IpAddr>) -> Self {
        let headers = &request.headers;
        Self {
            method: metrics::method_label(&request.method),
            route,
            address,
            origin: cloned(headers, &header::ORIGIN),
            agent: cloned(headers, &header::USER_AGENT),
        }
    }

    /// Returns the denial to keep and the claimant whose share it uses. Returns `None` if the request was allowed or its
    /// key is unknown.
    pub fn denied_request(
        self,
        id: &RequestId,
        response: &Response,
        clock: Clock,
    ) -> Option<(Claimant, DeniedRequest)> {
        let (claimant, key, code, needed) = of(response)?;
        let subject = response.extensions().get::<CheckSubject>();
        let required = response.extensions().get::<RequiredPermission>().and_then(|required| required.0);
        let origin = match subject {
            Some(subject) => subject.origin.as_deref().map(|origin| SanitizedText::new(origin.as_bytes())),
            None => self.origin.as_ref().map(|origin| SanitizedText::new(origin.as_bytes())),
        };
        let denied = DeniedRequest {
            request: id.as_str().to_owned(),
            key,
            at: clock(),
            code: code.to_owned(),
            permission: needed.or(required).or(subject.and_then(|subject| subject.permission)),
            address: subject.map_or(self.address, |subject| subject.address),
            origin: origin.map(|origin: SanitizedText<80>| origin.as_str().to_owned()),
            agent: self
                .agent
                .map(|agent| SanitizedText::<96>::new(agent.as_bytes()).as_str().to_owned())
                .unwrap_or_default(),
            method: self.method.to_owned(),
            route: self.route.to_owned(),
        };
        Some((claimant, denied))
    }
}

fn cloned(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    headers.get(name).cloned()
}

/// Returns the denied key, the code of the denial, and the missing permission. The guard denied the key, or a handler did
/// after it had loaded the requested item.
fn of(response: &Response) -> Option<(Claimant, KeyId, &'static str, Option<Permission>)> {
    if let Some(DeniedCheck { denial, key: Some(key) }) = response.extensions().get::<DeniedCheck>() {
        let needed = if let Denial::Permission(needed) = denial { Some(*needed) } else { None };
        let claimant = Claimant::new(key.workspace, Actor::Key(key.key));
        return Some((claimant, key.key, denial.code(), needed));
    }
    let denied = response.extensions().get::<DeniedCaller>()?;
    Some((denied.claimant, denied.key, denied.code, None))
}
