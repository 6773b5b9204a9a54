//! The error side of every handler.

use axum::response::{IntoResponse, Response};
use keyrack_core::datasets::{InvalidAnnotation, UploadError};
use keyrack_core::objects::ObjectError;
use keyrack_core::shares::Claimant;
use keyrack_core::{Invalid, OpError};
use keyrack_guard::{Guard, Problem, Refusal};
use keyrack_key::KeyId;
use keyrack_store::StoreError;

use super::problem::{answering, carrying, carrying_error, log_cause};
use super::problems;
use super::refusals::{DeniedCaller, Saw};
use crate::app::App;

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

/// Only carries the error; [`Exchange`](super::exchange::Exchange) completes the answer, because it knows the request.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Op(error) => carrying_error(error),
            Self::Problem(problem) => carrying(*problem),
            Self::Denied(denied) => denied.into_answer(|problem| problem),
        }
    }
}

impl App {
    /// The error for a key that a handler checked and denied.
    pub fn refused(&self, refusal: &Refusal) -> ApiError {
        self.refused_asking(refusal, None)
    }

    /// The same where the check did not look at the request itself, but at what it saw in its place.
    pub fn refused_asking(&self, refusal: &Refusal, saw: Option<Saw>) -> ApiError {
        let problem = self.guard.problem(refusal);
        DeniedRequest { problem, cause: DenialCause::Check { refusal: refusal.clone(), saw } }.into()
    }
}
