//! How the API says no. Every error becomes one problem.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use keyrack_guard::{Guard, Problem, Refusal};
use keyrack_key::KeyId;
use keyrack_store::StoreError;
use serde::Serialize;

use crate::edge::problem::{answering, carrying, carrying_error, log_cause};
use crate::edge::problems;
use crate::edge::refusals::{DeniedCaller, Saw};
use crate::objects::ObjectError;
use crate::ops::datasets::{InvalidAnnotation, UploadError};
use crate::ops::{Invalid, OpError};
use crate::predict::Held;
use crate::shares::Claimant;

/// The error side of every handler.
#[derive(Debug)]
pub enum ApiError {
    /// An operation was not carried out.
    Op(OpError),
    /// The request does not have the form that the route accepts.
    Problem(Box<Problem>),
    /// A handler checked a key and denied it.
    Denied(Box<DeniedRequest>),
}

/// A request whose key a handler denied.
#[derive(Debug)]
pub struct DeniedRequest {
    pub problem: Problem,
    pub cause: DenialCause,
}

/// Why a handler denied a key.
#[derive(Debug)]
pub enum DenialCause {
    /// The check of the key. `saw` is what the check was asked about, where that is not the request itself.
    Check { refusal: Refusal, saw: Option<Saw> },
    /// The key is allowed, and its holder states facts that only a trusted service may state.
    UntrustedFacts(KeyId),
}

/// `?` turns each of these errors into an [`ApiError`].
macro_rules! op_errors {
    ($($error:ty),*) => {$(
        impl From<$error> for ApiError {
            fn from(error: $error) -> Self {
                Self::Op(error.into())
            }
        }
    )*};
}

op_errors!(OpError, Invalid, InvalidAnnotation, UploadError, ObjectError, StoreError);

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<DeniedRequest> for ApiError {
    fn from(denied: DeniedRequest) -> Self {
        Self::Denied(Box::new(denied))
    }
}

impl DeniedRequest {
    fn into_answer(self, change: impl FnOnce(Problem) -> Problem) -> Response {
        let Self { problem, cause } = self;
        let code = problem.code();
        let mut answer = carrying(change(problem));
        let extensions = answer.extensions_mut();
        match cause {
            DenialCause::Check { refusal, saw } => {
                extensions.insert(refusal);
                saw.map(|saw| extensions.insert(saw));
            }
            DenialCause::UntrustedFacts(key) => {
                extensions.insert(DeniedCaller { claimant: Claimant::key(key), key, code });
            }
        }
        answer
    }
}

impl ApiError {
    /// The answer at once, for handlers that `change` the problem first.
    pub fn into_answer(self, guard: &Guard, change: impl FnOnce(Problem) -> Problem) -> Response {
        match self {
            Self::Op(error) => {
                log_cause(&error);
                answering(&error, change(problems::of(&error, guard)))
            }
            Self::Problem(problem) => carrying(change(*problem)),
            Self::Denied(denied) => denied.into_answer(change),
        }
    }

    /// One field is not as expected.
    pub fn field(field: &'static str, expected: impl Into<String>) -> Self {
        Invalid::field(field, expected).into()
    }
}

/// Only carries the problem; [`finish`](crate::edge::problem::finish) writes it, because it knows the request.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Op(error) => carrying_error(error),
            Self::Problem(problem) => carrying(*problem),
            Self::Denied(denied) => denied.into_answer(|problem| problem),
        }
    }
}

/// A value as JSON whose bytes `held` counts until they are sent or given up, which may be long after the handler has answered.
pub fn held_json(value: &impl Serialize, held: Held) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(value).map_err(OpError::internal)?;
    let bytes = Bytes::from_owner(HeldBytes { bytes, _held: held });
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

struct HeldBytes {
    bytes: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where there is no such path.
pub async fn no_such_path() -> ApiError {
    OpError::NotFound("path; the paths are listed at /docs").into()
}
