//! How a proxy is answered.

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use keyrack_guard::{Asked, Problem, limits};
use keyrack_key::{Scopes, Timestamp};

use super::question::{Passed, permission};
use crate::api::{ApiError, quota_headers};
use crate::app::App;
use crate::edge::ask_path::{ENVOY, PROXY, YES};

const KEY: HeaderName = HeaderName::from_static("x-keyrack-key");
const WORKSPACE: HeaderName = HeaderName::from_static("x-keyrack-workspace");
const SCOPES: HeaderName = HeaderName::from_static("x-keyrack-scopes");
const CODE: HeaderName = HeaderName::from_static("x-keyrack-code");
const STATUS: HeaderName = HeaderName::from_static("x-keyrack-status");

/// Who asks, and so how it is answered.
#[derive(Clone, Copy)]
pub(super) enum Proxy {
    /// Knows 204, 401 and 403 alone.
    Nginx,
    /// Knows 200 alone as a yes.
    Envoy,
    /// Can't remove a key from the query of the request that it passes on.
    Traefik,
    Other,
}

impl Proxy {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get(PROXY).map(HeaderValue::as_bytes) {
            Some(b"nginx") => Self::Nginx,
            Some(b"traefik") => Self::Traefik,
            Some(name) if name == ENVOY.as_bytes() => Self::Envoy,
            _ => Self::Other,
        }
    }

    /// Whether a service behind the proxy would see a key in the query.
    pub(super) fn passes_on_keys_in_query(self) -> bool {
        matches!(self, Self::Traefik)
    }

    pub(super) fn answer(self, app: &App, question: &Parts, decided: Result<Passed, ApiError>) -> Response {
        match decided {
            Ok(passed) => {
                app.metrics.allowed();
                self.passed(&passed, app.now())
            }
            Err(error) => {
                let mut answer = error.into_answer(&app.guard, |problem| self.refused(problem));
                answer.extensions_mut().insert(Asked(permission(&question.headers).unwrap_or_default()));
                answer
            }
        }
    }

    fn passed(self, Passed { caller, spent }: &Passed, now: Timestamp) -> Response {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = if matches!(self, Self::Envoy) { StatusCode::OK } else { YES };
        let key = caller.key();
        let headers = answer.headers_mut();
        headers.insert(KEY, value(key.key.text(&mut [0; 36])));
        headers.insert(WORKSPACE, value(key.workspace.text(&mut [0; 36])));
        headers.insert(SCOPES, scopes(key.scopes));
        limits::rates(caller).into_iter().flatten().for_each(|told| told.tell(headers));
        quota_headers::items(spent, now).for_each(|limit| limit.tell(headers));
        answer
    }

    fn refused(self, problem: Problem) -> Problem {
        let (status, code) = (problem.status(), problem.code());
        let problem = problem.header(CODE, code);
        match (self, status) {
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            | (Self::Envoy | Self::Traefik | Self::Other, _) => problem,
            (Self::Nginx, other) => problem.header(STATUS, other.as_str()).answered_as(StatusCode::FORBIDDEN),
        }
    }
}

/// The scopes, separated by spaces. Most keys have one.
fn scopes(scopes: Scopes) -> HeaderValue {
    let mut each = scopes.iter();
    match (each.next(), each.next()) {
        (Some(only), None) => HeaderValue::from_static(only.name()),
        _ => value(&scopes.to_string()),
    }
}

/// Of ids and names of scopes, all of whose characters are a value.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
