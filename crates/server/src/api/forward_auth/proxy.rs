//! How a proxy is answered.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use keyrack_guard::{Caller, Problem};

use crate::api::ApiError;
use crate::app::App;
use crate::edge::ask_path::{ENVOY, PROXY};
use crate::edge::problem::answering;

/// Who asks, and so how it is answered.
#[derive(Clone, Copy)]
pub(super) enum Proxy {
    /// Knows 204, 401 and 403 alone.
    Nginx,
    /// Knows 200 alone as a yes.
    Envoy,
    Other,
}

impl Proxy {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get(PROXY).map(HeaderValue::as_bytes) {
            Some(b"nginx") => Self::Nginx,
            Some(name) if name == ENVOY.as_bytes() => Self::Envoy,
            _ => Self::Other,
        }
    }

    pub(super) fn answer(self, app: &App, decided: Result<Caller, ApiError>) -> Response {
        match decided {
            Ok(caller) => {
                app.metrics.allowed();
                self.passed(&caller)
            }
            Err(ApiError(error)) => answering(&error, self.refused(error.problem())),
        }
    }

    fn passed(self, caller: &Caller) -> Response {
        let status = if matches!(self, Self::Envoy) { StatusCode::OK } else { StatusCode::NO_CONTENT };
        let key = caller.key();
        let (mut id, mut workspace, scopes) = ([0; 36], [0; 36], key.scopes.to_string());
        let named = [
            (HeaderName::from_static("x-keyrack-key"), key.key.text(&mut id)),
            (HeaderName::from_static("x-keyrack-workspace"), key.workspace.text(&mut workspace)),
            (HeaderName::from_static("x-keyrack-scopes"), &scopes),
        ];
        (status, named).into_response()
    }

    fn refused(self, problem: Problem) -> Problem {
        let (status, code) = (problem.status(), problem.code());
        let problem = problem.header(HeaderName::from_static("x-keyrack-code"), code);
        match (self, status) {
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) | (Self::Envoy | Self::Other, _) => problem,
            (Self::Nginx, other) => {
                let was = HeaderName::from_static("x-keyrack-status");
                problem.header(was, other.as_str()).answered_as(StatusCode::FORBIDDEN)
            }
        }
    }
}
