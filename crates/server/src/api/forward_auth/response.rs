//! Responses to proxies, in the form that each proxy supports.

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use keyrack_guard::{Problem, RequiredPermission, limits};
use keyrack_key::{Scopes, Timestamp};

use super::check::{AllowedRequest, permission};
use super::proxy::Proxy;
use crate::api::{ApiError, quota_headers};
use crate::app::App;
use crate::http::ask_path::YES;

const KEY: HeaderName = HeaderName::from_static("x-keyrack-key");
const WORKSPACE: HeaderName = HeaderName::from_static("x-keyrack-workspace");
const SCOPES: HeaderName = HeaderName::from_static("x-keyrack-scopes");
const CODE: HeaderName = HeaderName::from_static("x-keyrack-code");
const STATUS: HeaderName = HeaderName::from_static("x-keyrack-status");

impl Proxy {
    pub(super) fn response(
        self,
        app: &App,
        request: &Parts,
        decided: Result<AllowedRequest, ApiError>,
    ) -> Response {
        match decided {
            Ok(allowed) => {
                app.metrics.allowed();
                self.allowed(&allowed, app.now())
            }
            Err(error) => {
                let mut response = error.into_answer(&app.guard, |problem| self.denied(problem));
                response
                    .extensions_mut()
                    .insert(RequiredPermission(permission(&request.headers).unwrap_or_default()));
                response
            }
        }
    }

    fn allowed(self, AllowedRequest { caller, quota }: &AllowedRequest, now: Timestamp) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = if matches!(self, Self::Envoy) { StatusCode::OK } else { YES };
        let key = caller.key();
        let headers = response.headers_mut();
        headers.insert(KEY, value(key.key.text(&mut [0; 36])));
        headers.insert(WORKSPACE, value(key.workspace.text(&mut [0; 36])));
        headers.insert(SCOPES, scopes(key.scopes));
        limits::rate_limit_states(caller).into_iter().flatten().for_each(|rate| rate.add_to(headers));
        quota_headers::items(quota, now).for_each(|limit| limit.add_to(headers));
        response
    }

    fn denied(self, problem: Problem) -> Problem {
        let (status, code) = (problem.status(), problem.code());
        let problem = problem.header(CODE, code);
        match (self, status) {
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            | (Self::Envoy | Self::Traefik | Self::Other, _) => problem,
            (Self::Nginx, other) => problem.header(STATUS, other.as_str()).with_status(StatusCode::FORBIDDEN),
        }
    }
}

/// Joins the scopes with spaces. Allocates nothing for keys with one scope, which most keys have.
fn scopes(scopes: Scopes) -> HeaderValue {
    let mut each = scopes.iter();
    match (each.next(), each.next()) {
        (Some(only), None) => HeaderValue::from_static(only.name()),
        _ => value(&scopes.to_string()),
    }
}

/// Converts an ID or names of scopes, whose characters are always valid in a header.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
