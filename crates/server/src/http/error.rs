//! The error type of all handlers.

use axum::response::{IntoResponse, Response};
use keyrack_core::datasets::{InvalidAnnotation, UploadError};
use keyrack_core::objects::ObjectError;
use keyrack_core::shares::Claimant;
use keyrack_core::{Invalid, OpError};
use keyrack_guard::{DeniedCheck, Guard, Problem};
use keyrack_key::KeyId;
use keyrack_store::StoreError;

use super::denials::{CheckSubject, DeniedCaller};
use super::problem::{answering, carrying, carrying_error, log_cause};
use super::problems;
use crate::app::App;

#[derive(Debug)]
pub enum ApiError {
    /// An operation failed.
    Op(OpError),
    /// The format of the request is wrong.
    Problem(Box<Problem>),
    Denied(Box<DeniedRequest>),
}

/// A request whose key a handler denied.
#[derive(Debug)]
pub struct DeniedRequest {
    pub problem: Problem,
    pub cause: DenialCause,
}

#[derive(Debug)]
pub enum DenialCause {
    /// The check of the key failed. `subject` is what the check was about, if not about the request itself.
    Check { check: DeniedCheck, subject: Option<CheckSubject> },
    /// The key is allowed, but states facts that only a trusted service may state.
    UntrustedFacts(KeyId),
}

/// Implements `From` for each error type, so that `?` converts the error to an [`ApiError`].
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
            DenialCause::Check { check, subject } => {
                extensions.insert(check);
                subject.map(|subject| extensions.insert(subject));
            }
            DenialCause::UntrustedFacts(key) => {
                extensions.insert(DeniedCaller { claimant: Claimant::key(key), key, code });
            }
        }
        answer
    }
}

impl ApiError {
    /// Returns the response at once, for handlers that `change` the problem first.
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

    /// Returns the error for an invalid field.
    pub fn field(field: &'static str, expected: impl Into<String>) -> Self {
        Invalid::field(field, expected).into()
    }
}

/// Only stores the error in the response. [`Exchange`](super::exchange::Exchange) completes the response, because it
/// knows the request.
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
    /// Returns the error for a key that a handler checked and denied.
    pub fn deny(&self, check: &DeniedCheck) -> ApiError {
        self.deny_about(check, None)
    }

    /// Like [`deny`](Self::deny), for a check that was about `subject` instead of the request itself.
    pub fn deny_about(&self, check: &DeniedCheck, subject: Option<CheckSubject>) -> ApiError {
        let problem = self.guard.problem(check);
        DeniedRequest { problem, cause: DenialCause::Check { check: check.clone(), subject } }.into()
    }
}
