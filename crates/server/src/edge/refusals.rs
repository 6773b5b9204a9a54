//! Keeps what is needed to explain a refusal: never a query, a body or a path as it was sent.

use std::net::IpAddr;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use keyrack_guard::{Asked, ClientAddress, Problem, Refusal};
use keyrack_key::{Denial, KeyId, Permission, Timestamp};
use keyrack_rack::Words;
use keyrack_store::RefusedRequest;

use super::request_id;
use crate::app::Shared;
use crate::metrics;
use crate::ops::refusals::Saw;

/// Notes each request that was refused with a key that is known.
pub async fn keep(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let told = Told::by(&request);
    let response = next.run(request).await;
    if let Some(refused) = told.and_then(|told| told.refused(&response, app.now())) {
        app.refusals.note(refused);
    }
    response
}

/// What a request says of itself. Nothing is copied that is not needed in the end.
struct Told {
    id: HeaderValue,
    method: &'static str,
    route: MatchedPath,
    address: Option<IpAddr>,
    origin: Option<HeaderValue>,
    agent: Option<HeaderValue>,
}

impl Told {
    /// Nothing where the request has no id or no route.
    fn by(request: &Request) -> Option<Self> {
        let headers = request.headers();
        Some(Self {
            id: headers.get(request_id::HEADER)?.clone(),
            method: metrics::known(request.method()),
            route: request.extensions().get::<MatchedPath>()?.clone(),
            address: request.extensions().get::<ClientAddress>().map(|address| address.0),
            origin: cloned(headers, &header::ORIGIN),
            agent: cloned(headers, &header::USER_AGENT),
        })
    }

    fn refused(self, response: &Response, at: Timestamp) -> Option<RefusedRequest> {
        let (key, code, needed) = of(response)?;
        let saw = response.extensions().get::<Saw>();
        let asked = response.extensions().get::<Asked>().and_then(|asked| asked.0);
        let origin = match saw {
            Some(saw) => saw.origin.as_deref().map(|origin| Words::new(origin.as_bytes())),
            None => self.origin.as_ref().map(|origin| Words::new(origin.as_bytes())),
        };
        Some(RefusedRequest {
            request: self.id.to_str().ok()?.to_owned(),
            key,
            at,
            refused: code.to_owned(),
            permission: needed.or(asked).or(saw.and_then(|saw| saw.permission)),
            address: saw.map_or(self.address, |saw| saw.address),
            origin: origin.map(|origin: Words<80>| origin.as_str().to_owned()),
            agent: self
                .agent
                .map(|agent| Words::<96>::new(agent.as_bytes()).as_str().to_owned())
                .unwrap_or_default(),
            method: self.method.to_owned(),
            route: self.route.as_str().to_owned(),
        })
    }
}

fn cloned(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    headers.get(name).cloned()
}

/// The key that was refused, the code of the check, and the permission that it lacks: by the guard, or by a handler that
/// had loaded what was asked for.
fn of(response: &Response) -> Option<(KeyId, &'static str, Option<Permission>)> {
    if let Some(Refusal { denial, key: Some(key) }) = response.extensions().get::<Refusal>() {
        let needed = if let Denial::Permission(needed) = denial { Some(*needed) } else { None };
        return Some((key.key, denial.code(), needed));
    }
    let problem = response.extensions().get::<Problem>()?;
    let is_outside = matches!(problem.code(), "outside_key" | "model_outside_key");
    let key = problem.member("key").filter(|_| is_outside)?;
    Some((key.as_str()?.parse().ok()?, problem.code(), None))
}
